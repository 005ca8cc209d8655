"""`FakeMicrosoft`: the sign-in, the account and the drives, and a test's control over them."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer, Lifetimes
from xo_cowork_core.sdk.testing.oauth_server.grants import Client

from .drive import Drive, GraphError
from .faults import RequestFault, RequestFaults, RequestHold
from .graph_api import (
    DOWNLOAD_HOST,
    GRAPH_HOST,
    UPLOAD_HOST,
    FindScopes,
    GraphApi,
    error_response,
)

LOGIN_HOST = "login.microsoftonline.com"
ACCOUNT_PATH = "/v1.0/me"
OAUTH_PATH = "/common/oauth2/v2.0"
ACCOUNT: Mapping[str, JsonValue] = MappingProxyType(
    {
        "id": "48d31887-5fad-4d73-a9f5-3c356e68a038",
        "userPrincipalName": "octo@example.test",
        "displayName": "Octo Test",
        "mail": "octo@example.test",
    }
)
# the client that is built into rclone, with a secret of its own and without PKCE
RCLONE_CLIENT_ID = "b15665d9-eda6-4092-8539-0eec376afd59"
REFUSAL = error_response(GraphError(403, "Authorization_RequestDenied"))
DRIVE_ID = "b!kQ7VJfake0000-drive_one"


class FakeMicrosoft:
    """Stands in for Microsoft's hosts. `hosts` has the app of each, for a loopback proxy.

    `oauth` is the authorization server, with a public client `test-client`; with
    `has_rclone_client` also with rclone's, and then it does not insist on PKCE. `drives` are those
    of the account, its own one first; a test may add and remove some. Use it as a context manager.
    """

    def __init__(
        self, *, lifetimes: Lifetimes | None = None, has_rclone_client: bool = False
    ) -> None:
        self.oauth = FakeOAuthServer(
            lifetimes=lifetimes,
            requires_pkce=not has_rclone_client,
            registers_clients=False,
            account_path=ACCOUNT_PATH,
            account=ACCOUNT,
            issuer=f"https://{LOGIN_HOST}",
            paths={
                "authorize": (f"{OAUTH_PATH}/authorize",),
                "token": (f"{OAUTH_PATH}/token",),
                "device": (f"{OAUTH_PATH}/devicecode",),
            },
        )
        if has_rclone_client:
            client = Client(RCLONE_CLIENT_ID, accepts_any_secret=True)
            self.oauth.store.clients[RCLONE_CLIENT_ID] = client
        self.drive = Drive(DRIVE_ID)
        self.drives = [self.drive]
        self.faults = RequestFaults()
        self.graph = GraphApi(self.drives, self._find_scopes, self._owner, self.faults)

    def __enter__(self) -> "FakeMicrosoft":
        self.oauth.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.clear()
        self.oauth.close()

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        """The app of each host name."""
        return {
            LOGIN_HOST: self.oauth.app,
            GRAPH_HOST: _AccountOrDrives(self.oauth.app, self.graph.graph_app(), self._find_scopes),
            UPLOAD_HOST: self.graph.upload_app(),
            DOWNLOAD_HOST: self.graph.download_app(),
        }

    def fault(
        self,
        path: str,
        status: int,
        code: str = "generalException",
        *,
        method: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next `times` requests to a drive with an error.

        `path` is a regular expression that is searched in the path. The account's own path and the
        sign-in have the faults of `oauth`.
        """
        body = {"error": {"code": code, "message": f"{code} of the test"}}
        pattern = re.compile(path)
        self.faults.add(RequestFault(method, pattern, status, body, headers or {}, times))

    def hold(self, method: str, path: str) -> RequestHold:
        """Hold requests to a drive, an upload or a download URL, before they have any effect."""
        return self.faults.hold(method, path)

    def reset(self, *drives: Drive) -> None:
        """Give the account these drives, by default an empty one of its own, and `clear`."""
        self.clear()
        self.drive = drives[0] if drives else Drive(DRIVE_ID)
        self.drives[:] = drives or (self.drive,)

    def clear(self) -> None:
        """Forget logged requests, faults and uploads, and release what is held."""
        self.faults.clear()
        self.oauth.clear()
        self.graph.uploads.open.clear()
        self.graph.uploads.cancelled = 0

    def _owner(self) -> Mapping[str, JsonValue]:
        account = self.oauth.options.account
        return {"id": account["id"], "displayName": account["displayName"]}

    def _find_scopes(self, access_token: str) -> frozenset[str] | None:
        token = self.oauth.store.valid_access(access_token)
        return None if token is None else frozenset(token.scope.split())


class _AccountOrDrives:
    """Leads the account's path to the authorization server, which knows the tokens."""

    def __init__(self, account: ASGIApp, drives: Starlette, find_scopes: FindScopes) -> None:
        self._account = account
        self._drives = drives
        self._find_scopes = find_scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._drives
        if scope.get("path") == ACCOUNT_PATH:
            header = dict(scope["headers"]).get(b"authorization", b"").decode()
            scopes = self._find_scopes(header.removeprefix("Bearer "))
            lacks_scope = scopes is not None and "User.Read" not in scopes
            app = REFUSAL if lacks_scope else self._account
        await app(scope, receive, send)
