"""Answers 413 to a body over the limit, before it is in memory.

FastAPI reads a JSON body whole. Uploads are streamed: those of the core have a limit of their own,
and a plugin limits the bodies of its routes that are not JSON itself.
"""

from collections.abc import Callable, Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xo_cowork_core.api.errors import error_response
from xo_cowork_core.api.files import UPLOAD_PATH
from xo_cowork_core.api.route_family import MAX_BODY_BYTES, RoutePolicy
from xo_cowork_core.host.plugins.routes import is_under
from xo_cowork_core.sdk.errors import TooLarge


class BodyLimitMiddleware:
    """Counts the bytes of each request's body. `claimed` are the prefixes of plugins."""

    def __init__(
        self,
        app: ASGIApp,
        claimed: Collection[str],
        policy_for: Callable[[str, str], RoutePolicy],
    ) -> None:
        self._app = app
        self._claimed = claimed
        self._policy_for = policy_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._policy_for(scope["method"], scope["path"])
        is_core_route = policy.max_body_bytes != MAX_BODY_BYTES
        if policy.streams_upload or (not is_core_route and self._is_plugin_upload(scope)):
            await self._app(scope, receive, send)
            return
        body = _LimitedBody(scope, receive, send, policy.max_body_bytes)
        if _content_length(scope) > policy.max_body_bytes:
            await body.refuse()
        else:
            await self._app(scope, body.receive, body.send)

    def _is_plugin_upload(self, scope: Scope) -> bool:
        path: str = scope["path"]
        content_type = Headers(scope=scope).get("content-type", "json")
        return "json" not in content_type and any(
            is_under(path, prefix) for prefix in self._claimed
        )


class _LimitedBody:
    """One request's body. Once it is too large, its route receives a disconnect."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_bytes: int) -> None:
        self._scope = scope
        self._max_bytes = max_bytes
        self._receive = receive
        self._send = send
        self._size = 0
        self._refused = False
        self._answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= self._max_bytes:
            return message
        if not self._answered:
            await self.refuse()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self._refused:
            self._answered = True
            await self._send(message)

    async def refuse(self) -> None:
        self._refused = self._answered = True
        limit = self._max_bytes >> 20
        error = TooLarge(f"A body may have {limit} MB; larger files go to {UPLOAD_PATH}")
        await error_response(error)(self._scope, self._receive, self._send)


def _content_length(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0
