"""`FakeVercel`: the hosts of Vercel, and a test's control over them."""

import base64
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
from starlette.types import ASGIApp

from tests.fakes.json_rewriter import JsonRewriter
from tests.fakes.vercel.api import VercelApi
from tests.fakes.vercel.hosts import OnlyPaths
from tests.fakes.vercel.mcp import VercelMcp
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.sdk.testing.oauth_server.exchanges import Endpoint, OAuthRequest

WEB, API, MCP = "vercel.com", "api.vercel.com", "mcp.vercel.com"
METADATA = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
LOGIN = "/login/oauth"
Body: TypeAlias = Mapping[str, JsonValue] | str
ACCOUNT = {
    "sub": "345e869043f1e55f8bdc837c",
    "preferred_username": "octo-vercel",
    "name": "Octo Test",
    "email": "octo@example.test",
    "picture": "https://api.vercel.com/www/avatar/0f0f",
}


class FakeVercel(FakeOAuthServer):
    """Sign-ins with registered clients whose redirects are on loopback addresses, as Vercel's.

    Give `hosts` to a `LoopbackNetwork` and its client to `use_browser`. Control and log are those
    of `FakeOAuthServer`: `userinfo` is `/login/oauth/userinfo`. Access tokens that people create
    come from `create_token`; only the REST API takes them, and only the MCP server and `userinfo`
    take those of a sign-in. `names_accounts = False` refuses them at `userinfo` too, and
    `user_status` is that of every answer of the REST API.
    """

    def __init__(self) -> None:
        super().__init__(
            issuer=f"https://{WEB}",
            loopback_redirects_only=True,
            account_path=f"{LOGIN}/userinfo",
            account=ACCOUNT,
            paths={
                "authorize": ("/oauth/authorize",),
                "token": (f"https://{API}{LOGIN}/token",),
                "register": (f"https://{API}{LOGIN}/register",),
                "revoke": (f"https://{API}{LOGIN}/token/revoke",),
            },
        )
        self.url = f"https://{WEB}"
        self.options.resource = f"https://{MCP}"
        # a client has to be registered
        self.forget_clients()
        self.keys: set[str] = set()
        self.names_accounts = True
        self.user_status = 200
        self.issues_id_tokens = False
        self.mcp = VercelMcp(self)
        self._browser: httpx.Client | None = None

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        """The apps by the name of their host."""
        login = JsonRewriter(self.app, self._rewrite)
        return {
            WEB: OnlyPaths(self.app, ("/oauth/", METADATA, "/.well-known/openid-configuration")),
            API: VercelApi(self, OnlyPaths(login, (f"{LOGIN}/",))),
            MCP: OnlyPaths(self.app, (RESOURCE_METADATA,), others=self.mcp),
        }

    def use_browser(self, browser: httpx.Client) -> None:
        """Open authorization URLs with this client."""
        self._browser = browser

    def visit(self, authorization_url: str) -> str:
        assert self._browser, "no browser: call `use_browser`"
        response = self._browser.get(authorization_url)
        location = response.headers.get("location", "")
        assert location, f"no redirect but {response.status_code}: {response.text}"
        return location

    def create_token(self, token: str = "vercel-token-0123456789abcdef") -> str:
        """Return an access token that the account's owner has created."""
        self.accept_key(token)
        return token

    def accept_key(self, key: str) -> None:
        super().accept_key(key)
        self.keys.add(key)

    def fault(self, endpoint: Endpoint, status: int = 503, body: Body = "", **options: Any) -> None:
        super().fault(endpoint, status, body, **options)
        # tokens that are invalid at one host are at all
        self.mcp.refuses_all = self.mcp.refuses_all or (endpoint, status) == ("userinfo", 401)

    def clear(self) -> None:
        super().clear()
        self.mcp.refuses_all = False
        self.names_accounts, self.issues_id_tokens, self.user_status = True, False, 200

    def has_signed_in(self, token: str) -> bool:
        """Return whether a token is a valid one of a sign-in."""
        return token not in self.keys and self.is_valid(token)

    def record_user_request(self) -> None:
        """Log a request for the account of an access token, as those for the `userinfo`."""
        self._exchanges.record(OAuthRequest("userinfo", {}, "bearer"))

    def _rewrite(self, path: str, status: int, body: Any) -> Any:
        if path == f"{LOGIN}/token" and status == 200 and self.issues_id_tokens:
            return {**body, "id_token": _id_token(self.options.account)}
        return body


def _id_token(claims: Mapping[str, object]) -> str:
    parts = ({"alg": "none"}, {"iss": f"https://{WEB}", **claims})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b"c2ln"]).decode()
