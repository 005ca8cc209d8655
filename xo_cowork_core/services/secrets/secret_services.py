"""What the routes call of secrets."""

from typing import NamedTuple

from xo_cowork_core.services.secrets.forms import SecretForms
from xo_cowork_core.services.secrets.secret_store import SecretStore


class SecretServices(NamedTuple):
    """The keys in env files, and the forms of plugins."""

    store: SecretStore
    forms: SecretForms
