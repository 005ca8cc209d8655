"""`FakeGitHub`: GitHub's sign-in, API, git and MCP server, and a test's control over them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.types import ASGIApp

from tests.fakes.github.api import GitHubApi
from tests.fakes.github.git_hosting import GitHosting
from tests.fakes.github.web import GitHubWeb
from tests.fakes.mcp_server.server import FakeMcpServer
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.sdk.testing.oauth_server.exchanges import OAuthRequest
from xo_cowork_core.sdk.testing.oauth_server.grants import Client, Token

WEB = "github.com"
API = "api.github.com"
MCP = "api.githubcopilot.com"
CLIENT_ID = "test-client"
ACCOUNT = {
    "login": "octo-test",
    "id": 583231,
    "name": "Octo Test",
    "email": None,
    "avatar_url": "https://avatars.githubusercontent.com/u/583231",
}
MANY = 1000


class AnyClient(dict[str, Client]):
    """Every client id is one of an app, such as gh's own; only some have a secret."""

    def get(self, key: str, default: Client | None = None) -> Client | None:  # type: ignore[override]
        return super().get(key) or Client(key)


class FakeGitHub(FakeOAuthServer):
    """Sign-ins by device code, tokens with scopes, the account, and repositories in `folder`.

    Tokens of the device flow are those of a GitHub App: they expire and are refreshed. Give `hosts`
    to a `LoopbackNetwork`. Control and log are those of `FakeOAuthServer`: `/user` is its
    `userinfo`, and `DELETE /applications/{client_id}/token` its `revoke`.
    """

    def __init__(self, folder: Path, *, expiring: bool = True) -> None:
        super().__init__(
            device_style="github_app" if expiring else "github",
            issuer=f"https://{WEB}",
            paths={
                "device": ("/login/device/code",),
                "token": ("/login/oauth/access_token",),
                "authorize": ("/login/oauth/authorize",),
            },
            device_page="/login/device",
            account_path="/user",
            account=ACCOUNT,
        )
        self.url = f"https://{WEB}"
        self.store.clients = AnyClient(self.store.clients)
        self.fine_grained: set[str] = set()
        self.git = GitHosting(folder, self.store)
        self.api = GitHubApi(self)
        self.mcp = FakeMcpServer(self.is_valid)

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        """The apps by the name of their host."""
        return {WEB: GitHubWeb(self.app, self.git), API: self.api, MCP: self.mcp.app}

    def create_token(self, scopes: Sequence[str] | None = ("repo",)) -> str:
        """Return a personal access token: a classic one, or without scopes a fine-grained one."""
        prefix = "github_pat_" if scopes is None else "ghp_"
        token = prefix + secrets.token_hex(18)
        with self.store.lock:
            scope = ", ".join(scopes or ())
            self.store.access[token] = Token(CLIENT_ID, scope, token, float("inf"))
        if scopes is None:
            self.fine_grained.add(token)
        return token

    def reach_rate_limit(self, *, seconds: int = 1800, status: int = 403) -> None:
        """Answer requests for the account as when the limit is reached, until `clear`."""
        headers = {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(time.time()) + seconds),
        }
        body = {"message": "API rate limit exceeded for user ID 583231."}
        self.fault("userinfo", status, body, headers=headers, times=MANY)

    def record(self, request: OAuthRequest) -> None:
        """Add a request to the log."""
        self._exchanges.record(request)

    @property
    def has_faults(self) -> bool:
        """Whether a fault waits for its request."""
        return bool(self._exchanges.faults)
