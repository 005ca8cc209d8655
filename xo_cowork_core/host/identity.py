"""Builds the sign-in of the server at the XO service from the settings."""

from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.http import SharedHttpClient
from xo_cowork_core.services.identity.identity import Identity, IdentitySettings
from xo_cowork_core.services.identity.identity_api import IdentityApi, IdentityPaths
from xo_cowork_core.services.identity.sign_in_journal import SignInJournal
from xo_cowork_core.services.secrets.redaction import SecretRedactor


def build_identity(
    settings: Settings, http: SharedHttpClient, redactor: SecretRedactor, clock: Clock
) -> Identity:
    """Return the sign-in. It does nothing where no service is configured."""
    folder = settings.state_dir / "identity"
    paths = IdentityPaths(
        start=settings.identity_start_path,
        status=settings.identity_status_path,
        consume=settings.identity_consume_path,
        refresh=settings.identity_refresh_path,
        user_id=settings.identity_user_id_path,
    )
    redactor.add([settings.identity_key, settings.identity_poll_token])
    return Identity(
        IdentitySettings(
            settings.identity_url,
            settings.identity_key,
            settings.identity_session_id,
            settings.identity_poll_token,
        ),
        IdentityApi(http, settings.identity_url, paths, clock),
        TokenStore(folder / "tokens", redactor),
        SignInJournal(folder / "sign-ins.json", redactor),
        clock,
    )
