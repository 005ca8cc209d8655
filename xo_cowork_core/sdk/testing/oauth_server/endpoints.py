"""The HTTP endpoints of the fake authorization server, an ASGI app over a `GrantStore`."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, cast
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server.exchanges import (
    Endpoint,
    Exchanges,
    OAuthRequest,
)
from xo_cowork_core.sdk.testing.oauth_server.front_channel import (
    LOOPBACK_HOSTS,
    NO_STORE,
    FrontChannel,
    JsonBody,
    ServerOptions,
)
from xo_cowork_core.sdk.testing.oauth_server.grants import (
    Client,
    GrantError,
    GrantStore,
    IssuedTokens,
)
from xo_cowork_core.sdk.testing.oauth_server.metadata import (
    DEVICE_CODE_GRANT,
    RESOURCE_METADATA,
    resource_metadata,
    server_metadata,
)
from xo_cowork_core.sdk.testing.oauth_server.parsing import Call, parse_request

# what github.com calls the errors of RFC 6749
GITHUB_ERRORS: Mapping[str, str] = MappingProxyType(
    {"invalid_client": "incorrect_client_credentials"}
)
GITHUB_GRANT_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "authorization_code": "bad_verification_code",
        "refresh_token": "bad_refresh_token",
        DEVICE_CODE_GRANT: "incorrect_device_code",
    }
)
Handler: TypeAlias = Callable[[Call], Response]


class Endpoints:
    """Answers the requests. Every one is logged, may meet a fault, and may be held."""

    def __init__(
        self,
        url: Callable[[], str],
        store: GrantStore,
        exchanges: Exchanges,
        options: ServerOptions,
    ) -> None:
        self._url = url
        self._store = store
        self._exchanges = exchanges
        self._options = options
        self._front_channel = FrontChannel(url, store, options)

    def build_app(self) -> Starlette:
        """Return the ASGI app."""
        routes: Sequence[tuple[Endpoint, str, Handler]] = (
            ("authorize", "GET", self._front_channel.authorize),
            ("token", "POST", self._token),
            ("device", "POST", self._device),
            ("register", "POST", self._register),
            ("revoke", "POST", self._revoke),
            ("introspect", "POST", self._introspect),
            ("server_metadata", "GET", self._server_metadata),
            ("resource_metadata", "GET", self._resource_metadata),
        )
        pages = [
            Route(self._options.device_page, self._front_channel.show_device_page),
            Route(self._options.account_path, self._serve("userinfo", self._userinfo)),
        ]
        return Starlette(
            routes=pages
            + [
                Route(urlsplit(path).path, self._serve(endpoint, handler), methods=[method])
                for endpoint, method, handler in routes
                for path in self._options.paths[endpoint]
            ]
        )

    def _serve(
        self, endpoint: Endpoint, handler: Handler
    ) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            try:
                call = await parse_request(request)
            except ValueError as error:
                body = {"error": "invalid_request", "error_description": str(error)}
                return JSONResponse(body, 400)
            record = OAuthRequest(endpoint, call.parameters, call.authentication)
            self._exchanges.record(record)
            fault = self._exchanges.take_fault(endpoint)
            if fault:
                if isinstance(fault.body, str):
                    return HTMLResponse(fault.body, fault.status, dict(fault.headers))
                return JSONResponse(fault.body, fault.status, dict(fault.headers))
            response = handler(call)
            await self._exchanges.pause(endpoint)
            return response

        return serve

    def _token(self, call: Call) -> Response:
        grant_type = call.parameters.get("grant_type", "")
        try:
            client = self._store.authenticate(call.client_id, call.client_secret)
            tokens = self._redeem(grant_type, client, call.parameters)
        except GrantError as error:
            body = _error_body(error)
            if not self._options.is_github:
                return self._answer(call, body, error.status)
            names = {**GITHUB_ERRORS, "invalid_grant": GITHUB_GRANT_ERRORS.get(grant_type, "")}
            return self._answer(call, {**body, "error": names.get(error.code, error.code)})
        return self._answer(call, self._token_body(tokens))

    def _redeem(self, grant_type: str, client: Client, sent: Mapping[str, str]) -> IssuedTokens:
        if grant_type == "authorization_code":
            return self._store.redeem_code(
                client,
                sent.get("code", ""),
                sent.get("redirect_uri", ""),
                sent.get("code_verifier", ""),
            )
        if grant_type == "refresh_token":
            return self._store.redeem_refresh_token(client, sent.get("refresh_token", ""))
        if grant_type == DEVICE_CODE_GRANT:
            refresh = self._options.device_style != "github"
            return self._store.redeem_device(client, sent.get("device_code", ""), refresh=refresh)
        raise GrantError("unsupported_grant_type", grant_type)

    def _token_body(self, tokens: IssuedTokens) -> dict[str, JsonValue]:
        github = self._options.is_github
        body: dict[str, JsonValue] = {
            "access_token": tokens.access_token,
            "token_type": "bearer" if github else "Bearer",
            "scope": tokens.scope,
        }
        if tokens.expires_in is not None:
            body["expires_in"] = tokens.expires_in
        if tokens.refresh_token:
            body["refresh_token"] = tokens.refresh_token
        return body

    def _device(self, call: Call) -> Response:
        try:
            client = self._store.authenticate(call.client_id, call.client_secret)
        except GrantError as error:
            return self._answer(call, _error_body(error), error.status)
        device_code, device = self._store.create_device(client, call.parameters.get("scope", ""))
        page = self._url() + self._options.device_page
        body: dict[str, JsonValue] = {
            "device_code": device_code,
            "user_code": device.user_code,
            "verification_uri": page,
            "expires_in": int(self._store.lifetimes.device_seconds),
            "interval": device.interval,
        }
        if self._options.device_style == "rfc8628":
            body["verification_uri_complete"] = f"{page}?user_code={device.user_code}"
        return self._answer(call, body)

    def _answer(self, call: Call, body: JsonBody, status: int = 200) -> Response:
        accepts_json = "json" in call.request.headers.get("accept", "")
        if self._options.is_github and not accepts_json:
            return Response(urlencode(body), status, NO_STORE, "application/x-www-form-urlencoded")
        return JSONResponse(body, status, NO_STORE)

    def _register(self, call: Call) -> Response:
        uris = call.parameters.get("redirect_uris", "").split()
        hosts = {urlsplit(uri).hostname for uri in uris}
        if not self._options.registers_clients:
            return JSONResponse({"error": "access_denied"}, 403)
        # RFC 7591 §2: a client without redirects, such as a device, has no redirect URIs
        grants = call.parameters.get("grant_types", "authorization_code").split()
        lacks_uris = not uris and "authorization_code" in grants
        if lacks_uris or (self._options.loopback_redirects_only and not hosts <= LOOPBACK_HOSTS):
            return JSONResponse({"error": "invalid_redirect_uri"}, 400)
        public = call.parameters.get("token_endpoint_auth_method") == "none"
        client = Client(
            f"client-{secrets.token_hex(8)}",
            "" if public else f"secret-{secrets.token_hex(16)}",
            tuple(uris),
        )
        with self._store.lock:
            self._store.clients[client.client_id] = client
        sent = cast("dict[str, JsonValue]", json.loads(call.body))
        credentials = {"client_id": client.client_id, "client_id_issued_at": 0}
        if client.secret:
            credentials |= {"client_secret": client.secret, "client_secret_expires_at": 0}
        return JSONResponse({**sent, **credentials}, 201, NO_STORE)

    def _revoke(self, call: Call) -> Response:
        try:
            self._store.authenticate(call.client_id, call.client_secret)
        except GrantError as error:
            return JSONResponse(_error_body(error), error.status)
        self._store.revoke(call.parameters.get("token", ""))
        return Response(status_code=200)

    def _introspect(self, call: Call) -> Response:
        token = self._store.valid_access(call.parameters.get("token", ""))
        if token is None:
            return JSONResponse({"active": False})
        return JSONResponse({"active": True, "client_id": token.client_id, "scope": token.scope})

    def _server_metadata(self, _: Call) -> Response:
        return JSONResponse(
            server_metadata(
                self._url(),
                self._options.paths,
                registers_clients=self._options.registers_clients,
            )
        )

    def _resource_metadata(self, call: Call) -> Response:
        issuer = self._url()
        resource = self._options.resource or issuer
        return JSONResponse(resource_metadata(issuer, resource, call.request.url.path))

    def _userinfo(self, call: Call) -> Response:
        key = call.request.headers.get(self._options.key_header or "authorization", "")
        if self._store.valid_access(call.bearer) or self._store.valid_access(key):
            return JSONResponse(dict(self._options.account))
        path = RESOURCE_METADATA + self._options.account_path
        challenge = f'Bearer error="invalid_token", resource_metadata="{self._url()}{path}"'
        return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": challenge})


def _error_body(error: GrantError) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {"error": error.code}
    if error.description:
        body["error_description"] = error.description
    if error.interval is not None:
        body["interval"] = error.interval
    return body
