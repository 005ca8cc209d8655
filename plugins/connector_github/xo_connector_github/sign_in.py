"""The ways to sign in: the device flow of an app of one's own, the program gh, a pasted token.

Seen with gh 2.46 and 2.103, whose flags differ. gh is given a configuration folder of its own, so
that the sign-in that a person has in gh stays as it is.
"""

import re
from datetime import datetime

from pydantic import SecretStr

from xo_connector_github.options import CLIENT_ID, CLIENT_SECRET, HOST
from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import (
    ApiKey,
    CommandLogin,
    CommandOutput,
    DeviceCode,
    OAuthClient,
    OAuthServer,
    TokenSet,
)

# what agents do: read and push repositories, also their workflows, and read the organizations
SCOPES = ("repo", "read:org", "workflow")
SERVER = OAuthServer(
    device_authorization_endpoint=f"https://{HOST}/login/device/code",
    token_endpoint=f"https://{HOST}/login/oauth/access_token",
)
# GitHub App tokens from the device flow are refreshed without the secret, and also with it
DEVICE = DeviceCode(
    SERVER,
    OAuthClient(client_id_key=CLIENT_ID, client_secret_key=CLIENT_SECRET, authentication="post"),
    SCOPES,
    title="Sign in with a code",
)
TOKEN = ApiKey(
    id="pat",
    title="Paste a personal access token",
    help=f"Create one at https://{HOST}/settings/tokens, with the scopes "
    f"{', '.join(SCOPES)}; or a fine-grained one for the repositories that agents may use.",
)
HOSTS_FILE = "hosts.yml"
STORED = r"""^ +(?:{}): *["']?([^\s"']+)["']?\s*$"""
STORED_TOKEN = re.compile(STORED.format("oauth_token|access_token"), re.MULTILINE)
STORED_EXPIRY = re.compile(STORED.format("expires_at"), re.MULTILINE)
NO_TOKEN = "gh ended without a token."  # noqa: S105 - a sentence


def read_token(output: CommandOutput) -> TokenSet:
    """Return the token that gh stored in its folder. Raises UpstreamFailed.

    Later versions may get a token that expires. Its refresh token is left out: it belongs to gh.
    """
    assert output.folder is not None
    try:
        text = (output.folder / HOSTS_FILE).read_text()
    except (OSError, UnicodeDecodeError):
        raise UpstreamFailed(NO_TOKEN) from None
    token, expiry = STORED_TOKEN.search(text), STORED_EXPIRY.search(text)
    if token is None:
        raise UpstreamFailed(NO_TOKEN)
    return TokenSet(SecretStr(token[1]), expires_at=_time(expiry[1]) if expiry else None)


def _time(text: str) -> datetime | None:
    try:
        # in nanoseconds
        return datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    except ValueError:
        return None


# gh asks for `repo`, `read:org` and `gist` by itself
GH = CommandLogin(
    (
        *("gh", "auth", "login", "--web", "--hostname", HOST),
        *("--git-protocol", "https", "--scopes", "workflow"),
    ),
    url_pattern=rf"https://{re.escape(HOST)}/login/device\S*",
    code_pattern=r"one-time code[^\n]*?\b([A-Z0-9]{4}-[A-Z0-9]{4})\b",
    read_tokens=read_token,
    # without the first, gh 2.26 and later store the token in the keyring of the desktop
    optional_flags=("--insecure-storage", "--skip-ssh-key"),
    private_folder="GH_CONFIG_DIR",
    environment={
        "GH_NO_UPDATE_NOTIFIER": "1",
        "GH_PROMPT_DISABLED": "1",
        "GH_TELEMETRY": "false",
        "NO_COLOR": "1",
    },
    install="https://cli.github.com",
    id="cli",
    title="Sign in with gh",
)
