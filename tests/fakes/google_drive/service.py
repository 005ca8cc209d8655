"""`FakeGoogle`: the sign-in, the account and the drive, and a test's control over them."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.google_drive.drive_api import DriveApi
from tests.fakes.google_drive.file_store import FileStore
from tests.fakes.microsoft_graph.faults import RequestFault, RequestFaults, RequestHold
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer, Lifetimes
from xo_cowork_core.sdk.testing.oauth_server.grants import Client

LOGIN_HOST = "accounts.google.com"
TOKEN_HOST = "oauth2.googleapis.com"
API_HOST = "www.googleapis.com"
ACCOUNT_PATH = "/drive/v3/about"
CLIENT_ID = "fake-workspace.apps.googleusercontent.com"
CLIENT_SECRET = "fake-workspace-secret"
QUOTA: Mapping[str, JsonValue] = MappingProxyType(
    {"limit": "16106127360", "usage": "1", "usageInDrive": "1", "usageInDriveTrash": "0"}
)


def account(name: str) -> Mapping[str, JsonValue]:
    """What the API says of an account."""
    user: JsonValue = {
        "kind": "drive#user",
        "displayName": name.title(),
        "emailAddress": f"{name}@example.test",
        "permissionId": f"0987654321-{name}",
        "me": True,
    }
    return {"user": user, "storageQuota": dict(QUOTA)}


class FakeGoogle:
    """Stands in for Google's hosts. `hosts` has the app of each, for a loopback proxy.

    `oauth` is the authorization server, with the workspace's client; it does not insist on PKCE,
    which rclone does not send. Use it as a context manager.
    """

    def __init__(self, *, lifetimes: Lifetimes | None = None) -> None:
        self.oauth = GoogleSignIn(lifetimes)
        self.oauth.add_client(CLIENT_ID, CLIENT_SECRET)
        self.store = FileStore()
        self.faults = RequestFaults()
        self.api = DriveApi(self.store, self.oauth.is_valid, self.faults)

    def __enter__(self) -> "FakeGoogle":
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
            TOKEN_HOST: self.oauth.app,
            API_HOST: _AccountOrDrive(self.oauth.app, self.api.build_app()),
        }

    def fault(
        self,
        path: str,
        status: int,
        reason: str = "backendError",
        *,
        method: str = "",
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Answer `times` requests to the drive with an error, once `after` of them have passed.

        `path` is a regular expression that is searched in the path.
        """
        message = f"{reason} of the test"
        fault: JsonValue = {"domain": "usageLimits", "reason": reason, "message": message}
        body: Mapping[str, JsonValue] = {
            "error": {"code": status, "message": message, "errors": [fault]}
        }
        self.faults.add(RequestFault(method, re.compile(path), status, body, {}, times, after))

    def hold(self, method: str, path: str) -> RequestHold:
        """Hold requests to the drive before they have any effect."""
        return self.faults.hold(method, path)

    def clear(self) -> None:
        """Forget files, logged requests, faults and uploads, and release what is held."""
        self.faults.clear()
        self.oauth.clear()
        self.store.clear()
        self.api.open_uploads.clear()


class GoogleSignIn(FakeOAuthServer):
    """Google's authorization server, and the account that the Drive API tells."""

    def __init__(self, lifetimes: Lifetimes | None = None) -> None:
        super().__init__(
            lifetimes=lifetimes,
            requires_pkce=False,
            registers_clients=False,
            account_path=ACCOUNT_PATH,
            account=account("octo"),
            issuer=f"https://{LOGIN_HOST}",
            paths={
                "authorize": ("/o/oauth2/v2/auth", "/o/oauth2/auth"),
                "token": ("/token",),
                "revoke": ("/revoke",),
            },
        )
        # a revocation needs no client
        self.add_client("")

    def visit(self, authorization_url: str) -> str:
        """Open an authorization URL, as a browser in which any client of rclone is known."""
        client_id = httpx.URL(authorization_url).params.get("client_id", "")
        if client_id and client_id not in self.store.clients:
            # the one that is built into rclone: its secret is inside rclone
            self.store.clients[client_id] = Client(client_id, accepts_any_secret=True)
        return super().visit(authorization_url)


class _AccountOrDrive:
    """Leads the account's path to the authorization server, which knows the tokens."""

    def __init__(self, sign_in: ASGIApp, drive: ASGIApp) -> None:
        self._sign_in = sign_in
        self._drive = drive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._sign_in if scope.get("path") == ACCOUNT_PATH else self._drive
        await app(scope, receive, send)
