"""Inbound access to every route, plugins' too: Host, Origin, token, CORS."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xo_cowork_core.api.errors import error_response
from xo_cowork_core.api.route_family import RoutePolicy
from xo_cowork_core.host.middleware.origins import host_name, is_loopback, normal_origin
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.sdk import Forbidden, Unauthorized, Unavailable, XoError
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.secrets.audit import AuditEntry, Caller, SecretAudit

log = logging.getLogger("xo_cowork.access")
TOKEN_PARAMETERS = {"token", "coder_session_token"}
CORS_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept-Language, "
    "Coder-Session-Token, Last-Event-ID, X-XO-Wire, Idempotency-Key, If-Match",
    "Access-Control-Max-Age": "600",
}
EXPOSED_HEADERS = "ETag, Content-Disposition, Retry-After, Idempotent-Replayed"


@frozen_dataclass
class AccessRules:
    """Which requests are let in. Host names and origins are normalised."""

    hosts: frozenset[str]
    origins: frozenset[str]
    token: bytes
    loopback: bool

    @classmethod
    def from_settings(cls, settings: Settings) -> "AccessRules":
        """Derive the rules from the settings."""
        is_wildcard = settings.host in {"0.0.0.0", "::"}  # noqa: S104
        own_names = () if is_wildcard else (host_name(settings.host),)
        public_name = urlsplit(settings.public_url).hostname
        public_names = (public_name,) if public_name else ()
        return cls(
            hosts=frozenset({*settings.allowed_hosts, *own_names, *public_names}),
            origins=frozenset({"tauri://localhost", *settings.allowed_origins}),
            token=settings.api_token.get_secret_value().encode(),
            loopback=settings.loopback,
        )

    def check_host(self, hosts: Collection[str]) -> None:
        """Raise Forbidden for a foreign Host: a web page can make its own name resolve to
        loopback."""
        name = host_name(next(iter(hosts))) if len(hosts) == 1 else ""
        if self.loopback and not (is_loopback(name) or name in self.hosts):
            raise Forbidden("This host name is not allowed; XO_ALLOWED_HOSTS names those that are.")

    def check_origin(self, origins: Collection[str]) -> str | None:
        """Return the origin of a browser's request. Raises Forbidden for one not allowed."""
        if not origins:
            return None
        origin = normal_origin(next(iter(origins))) if len(origins) == 1 else ""
        is_local = origin.startswith(("http://", "https://")) and is_loopback(
            host_name(origin.partition("://")[2])
        )
        if not (is_local or (origin and origin in self.origins)):
            raise Forbidden("This origin is not allowed; XO_ALLOWED_ORIGINS names those that are.")
        return next(iter(origins))

    def check_token(self, scope: Scope, headers: Headers, policy: RoutePolicy) -> None:
        """Raise Unauthorized without the token, where one is set and the route is not public."""
        if not self.token or policy.public:
            return
        # ASGI header values are bytes; Starlette decodes them as Latin-1
        tokens = [headers.get("coder-session-token", "").encode("latin-1")]
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            tokens.append(credentials.strip().encode("latin-1"))
        if policy.token_in_query:
            query = parse_qsl(scope["query_string"].decode("latin-1"))
            tokens.extend(value.encode() for key, value in query if key in TOKEN_PARAMETERS)
        if not any(hmac.compare_digest(token, self.token) for token in tokens):
            raise Unauthorized("A token is required: Authorization: Bearer <XO_API_TOKEN>.")


class AccessMiddleware:
    """Passes on the requests that the rules allow; answers preflights itself."""

    def __init__(
        self,
        app: ASGIApp,
        rules: AccessRules,
        policy_for: Callable[[str, str], RoutePolicy],
        refusals: SecretAudit | None = None,
    ) -> None:
        self._app = app
        self._rules = rules
        self._policy_for = policy_for
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin: str | None = None
        try:
            self._rules.check_host(headers.getlist("host"))
            origin = self._rules.check_origin(headers.getlist("origin"))
            if origin and _is_preflight(scope, headers):
                await _preflight_response(headers)(scope, receive, _with_cors(send, origin))
                return
            policy = self._policy_for(scope.get("method", "GET"), scope["path"])
            self._rules.check_token(scope, headers, policy)
        except XoError as error:
            await self._record_refusal(scope, headers)
            await _refuse(error, scope, receive, _with_cors(send, origin))
            return
        await self._app(_without_token(scope), receive, _with_cors(send, origin))

    async def _record_refusal(self, scope: Scope, headers: Headers) -> None:
        method, path = scope.get("method", "GET"), scope["path"]
        if self._refusals is None or not self._policy_for(method, path).records_refusals:
            return
        address = scope["client"][0] if scope.get("client") else ""
        caller = Caller(f"{method} {path}", address, headers.get("origin"))
        try:
            await asyncio.to_thread(self._refusals.record, [AuditEntry(caller, "refused")])
        except Unavailable as error:
            # it is refused all the same
            log.warning("%s", error)


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    return "access-control-request-method" in headers


def _preflight_response(headers: Headers) -> Response:
    cors_headers = dict(CORS_HEADERS)
    if headers.get("access-control-request-private-network") == "true":
        cors_headers["Access-Control-Allow-Private-Network"] = "true"
    return JSONResponse({"ok": True}, headers=cors_headers)


async def _refuse(error: XoError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.message[:120]})
        return
    await error_response(error)(scope, receive, send)


def _with_cors(send: Send, origin: str | None) -> Send:
    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if origin:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        await send(message)

    return send_with_cors


def _without_token(scope: Scope) -> Scope:
    """Remove tokens from the query, so that nothing behind this middleware can log one."""
    if b"token=" not in scope["query_string"]:
        return scope
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    parameters = [(key, value) for key, value in query if key not in TOKEN_PARAMETERS]
    return {**scope, "query_string": urlencode(parameters).encode()}
