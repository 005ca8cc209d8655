"""`FakeOAuthServer`: runs the endpoints on the loopback and is a test's control over them."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import httpx

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.endpoints import Endpoints
from xo_cowork_core.sdk.testing.oauth_server.exchanges import (
    Endpoint,
    Exchanges,
    Fault,
    Hold,
    OAuthRequest,
)
from xo_cowork_core.sdk.testing.oauth_server.front_channel import Consent, ServerOptions
from xo_cowork_core.sdk.testing.oauth_server.grants import (
    Client,
    DeviceStyle,
    GrantStore,
    IssuedTokens,
    Lifetimes,
    Token,
)
from xo_cowork_core.sdk.testing.oauth_server.loopback_server import LoopbackServer
from xo_cowork_core.sdk.testing.oauth_server.metadata import PATHS, EndpointPaths

HTTP_SECONDS = 30.0
CLIENT_ID = "test-client"
ACCOUNT: Mapping[str, JsonValue] = MappingProxyType(
    {
        "sub": "account-1",
        "preferred_username": "octo",
        "name": "Octo Test",
        "email": "octo@example.test",
        "picture": "https://example.test/octo.png",
    }
)


class FakeOAuthServer:
    """An authorization server and a protected resource, the account, on a loopback port.

    It runs in a thread of its own; use it as a context manager, or call `start` and `close`. A
    public client `test-client` exists; `add_client` and registration (RFC 7591) add others.

        with FakeOAuthServer() as server:
            method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient("test-client"))

    `lifetimes` are those of codes and tokens. `device_style="github"` answers as github.com does:
    errors with status 200, no expiry, no refresh tokens; `github_app` as it does for a GitHub App,
    whose tokens expire and are refreshed. `clock` returns seconds, for tests that don't wait.

    To stand in for a vendor, `issuer` is its `address` for clients, `paths` and `device_page` are
    those of its endpoints (or their URLs on other hosts) and of its page for user codes, and
    `options.resource` is the protected resource; `app` serves them, behind a proxy of its hosts.
    `GET <account_path>` answers `account` to whoever has a valid token or an accepted key, as a
    bearer token or in `key_header`: set them to what the real service has.

    Every method may be called from the test's thread while requests run.
    """

    def __init__(
        self,
        *,
        lifetimes: Lifetimes | None = None,
        requires_pkce: bool = True,
        issues_refresh_tokens: bool = True,
        device_style: DeviceStyle = "rfc8628",
        sends_issuer: bool = False,
        registers_clients: bool = True,
        loopback_redirects_only: bool = False,
        account_path: str = "/userinfo",
        account: Mapping[str, JsonValue] = ACCOUNT,
        key_header: str = "",
        issuer: str = "",
        paths: EndpointPaths = MappingProxyType({}),
        device_page: str = "/device",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options = ServerOptions(
            device_style=device_style,
            sends_issuer=sends_issuer,
            registers_clients=registers_clients,
            loopback_redirects_only=loopback_redirects_only,
            account=account,
            account_path=account_path,
            key_header=key_header,
            paths={**PATHS, **paths},
            device_page=device_page,
        )
        self.store = GrantStore(
            clock, lifetimes or Lifetimes(), requires_pkce, issues_refresh_tokens
        )
        self.url = ""
        self._exchanges = Exchanges()
        self._issuer = issuer
        endpoints = Endpoints(lambda: self.address, self.store, self._exchanges, self.options)
        self.app = endpoints.build_app()
        self._server = LoopbackServer(self.app)
        self.add_client(CLIENT_ID)

    def __enter__(self) -> "FakeOAuthServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """The address that the server has for its clients: the `issuer`, else `url`."""
        return self._issuer or self.url

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1, or on the same port again after `close`."""
        self.url = self._server.start()

    def close(self) -> None:
        """Stop listening; grants and clients are kept for another `start`."""
        self._exchanges.clear()
        self._server.close()

    # The person in front of the browser or the device

    @property
    def consent(self) -> Consent:
        """What a person answers at `/authorize`: `approve`, `deny`, or `page` (asks with links)."""
        return self.options.consent

    @consent.setter
    def consent(self, consent: Consent) -> None:
        self.options.consent = consent

    def visit(self, authorization_url: str) -> str:
        """Open an authorization URL and return the URL that the browser would go to next.

        The host of `authorization_url` is this server, whatever its name. Nothing is sent to the
        URL that is returned. Raises AssertionError where the server shows an error page.
        """
        url = httpx.URL(authorization_url)
        address = httpx.URL(self.url)
        url = url.copy_with(scheme=address.scheme, host=address.host, port=address.port)
        response = httpx.get(url, timeout=HTTP_SECONDS, trust_env=False)
        location = response.headers.get("location", "")
        assert location, f"no redirect but {response.status_code}: {response.text}"
        return location

    def sign_in(self, authorization_url: str) -> httpx.Response:
        """Open an authorization URL, follow the redirect and return the answer it ends on."""
        location = self.visit(authorization_url)
        return httpx.get(location, timeout=HTTP_SECONDS, trust_env=False)

    def approve(self, user_code: str = "") -> int:
        """Approve a device by its user code, or all pending ones; return how many there were."""
        return self.store.decide("approved", user_code)

    def deny(self, user_code: str = "") -> int:
        """Deny a device by its user code, or all pending ones; return how many there were."""
        return self.store.decide("denied", user_code)

    # The state of the server

    def add_client(
        self, client_id: str, secret: str = "", redirect_uris: Sequence[str] = ()
    ) -> None:
        """Add or replace a client; public without a `secret`, any redirect without URIs."""
        with self.store.lock:
            self.store.clients[client_id] = Client(client_id, secret, tuple(redirect_uris))

    def forget_clients(self) -> None:
        """Remove all clients: their next request gets `invalid_client`."""
        with self.store.lock:
            self.store.clients.clear()

    def issue(self, scope: str = "", client_id: str = CLIENT_ID) -> IssuedTokens:
        """Return new tokens, as after a sign-in."""
        return self.store.issue(client_id, scope, secrets.token_hex(8))

    def set_account(self, account: Mapping[str, JsonValue]) -> None:
        """Set the answer of the account's path."""
        self.options.account = account

    def accept_key(self, key: str) -> None:
        """Accept an API key, as if the account's owner had created it."""
        with self.store.lock:
            self.store.access[key] = Token(CLIENT_ID, "", key, float("inf"))

    def expire(self, what: Literal["access", "codes", "devices"] = "access") -> None:
        """Let all access tokens, authorization codes or device codes end now."""
        store = self.store
        entries = {"access": store.access, "codes": store.codes, "devices": store.devices}
        store.expire(entries[what].values())

    def revoke_all(self) -> None:
        """Revoke all tokens, as when a person removes the app at the provider."""
        with self.store.lock:
            self.store.access.clear()
            self.store.refresh.clear()

    def is_valid(self, access_token: str) -> bool:
        """Return whether an access token works."""
        return self.store.valid_access(access_token) is not None

    # The requests

    def requests(self, endpoint: Endpoint | None = None, **parameters: str) -> list[OAuthRequest]:
        """Return the requests so far, of one endpoint and with these parameters if given.

        `requests("token", grant_type="refresh_token")` are the refreshes.
        """
        return self._exchanges.find(endpoint, parameters)

    def fault(
        self,
        endpoint: Endpoint,
        status: int = 503,
        body: Mapping[str, JsonValue] | str = "",
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next `times` requests to an endpoint with this; they have no effect.

        A mapping is sent as JSON, a text as HTML.
        """
        fault = Fault(endpoint, status, body, headers or {}, times)
        with self._exchanges.lock:
            self._exchanges.faults.append(fault)

    def hold(self, endpoint: Endpoint) -> Hold:
        """Carry out the requests to an endpoint but hold their answers until `release`."""
        hold = Hold(endpoint)
        with self._exchanges.lock:
            self._exchanges.holds.append(hold)
        return hold

    def clear(self) -> None:
        """Forget logged requests and faults, and release what is held."""
        self._exchanges.clear()
