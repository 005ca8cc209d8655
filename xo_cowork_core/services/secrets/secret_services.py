"""What the routes call of secrets."""

from typing import NamedTuple

from xo_cowork_core.services.secrets.audit import SecretAudit
from xo_cowork_core.services.secrets.credential_hints import CredentialHints
from xo_cowork_core.services.secrets.forms import SecretForms
from xo_cowork_core.services.secrets.secret_store import SecretStore


class SecretServices(NamedTuple):
    """The keys in env files, the forms of plugins, and which credentials are set.

    `refusals` is the log of requests that are not let in. It is a log of its own: a page that sends
    many requests must not push out what was shown.
    """

    store: SecretStore
    forms: SecretForms
    hints: CredentialHints
    refusals: SecretAudit
