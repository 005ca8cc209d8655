"""`Idempotency-Key` on every mutating route (contract §1), as ASGI middleware.

The body is read first, so that its hash is known before anything is done. An answer is kept as
it was sent; one of 500 or above, or one broken off, is not. Reading a stream by POST changes
nothing and passes. An upload is too large to be read first: its route calls `once` when the body
is on disk and hashed.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xo_cowork_core.api.errors import error_response
from xo_cowork_core.api.models import MOST_BODY_BYTES
from xo_cowork_core.sdk import BadRequest, TooLarge, XoError
from xo_cowork_core.services.idempotency import Idempotency, KeptAnswer

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
READING_PREFIX = "/api/chat/stream/"
STREAMED = frozenset({"/api/files/upload"})
MOST_ANSWER_BYTES = 4 << 20
MOST_KEY_CHARACTERS = 255


class IdempotencyMiddleware:
    """Does a request with a key once, and gives its answer again after that."""

    def __init__(self, app: ASGIApp, find: Callable[[Scope], Idempotency]) -> None:
        self._app = app
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        keys = self._find(scope)
        try:
            _check_key(key)
            body = await _read(receive)
            kept = await keys.begin(key, _request_hash(scope, body))
        except XoError as error:
            await error_response(error)(scope, receive, send)
            return
        if kept:
            await _send_kept(kept, send)
        else:
            await self._do(keys, key, body, scope, receive, send)

    async def _do(
        self,
        keys: Idempotency,
        key: str,
        body: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        record = _Recorder(send, lambda answer: keys.finish(key, answer))
        try:
            await self._app(scope, _replay(body, receive), record)
        finally:
            if not record.kept:
                await keys.release(key)


async def once(
    request: Request, keys: Idempotency, fingerprint: str, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Do `work` once for the request's key, as the gate does; `fingerprint` stands for the body."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return await work()
    _check_key(key)
    kept = await keys.begin(key, _request_hash(request.scope, fingerprint.encode()))
    if kept:
        return _kept_response(kept)
    try:
        response = await work()
    except XoError as error:
        response = error_response(error)
    except BaseException:
        await keys.release(key)
        raise
    if response.status_code < 500:
        headers = tuple((bytes(k), bytes(v)) for k, v in response.raw_headers)
        await keys.finish(key, KeptAnswer(response.status_code, headers, bytes(response.body)))
    else:
        await keys.release(key)
    return response


@dataclass(slots=True)
class _Recorder:
    """Passes an answer on and keeps a copy of bounded size, before its last piece goes out: an
    answer that somebody has must not be lost to a crash."""

    send: Send
    keep: Callable[[KeptAnswer], Awaitable[None]]
    status: int = 500
    headers: tuple[tuple[bytes, bytes], ...] = ()
    chunks: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    kept: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple((bytes(k), bytes(v)) for k, v in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            body: bytes = message.get("body", b"")
            self.size += len(body)
            if self.size <= MOST_ANSWER_BYTES:
                self.chunks.append(body)
            if not message.get("more_body", False) and self._keepable:
                self.kept = True
                await self.keep(KeptAnswer(self.status, self.headers, b"".join(self.chunks)))
        await self.send(message)

    @property
    def _keepable(self) -> bool:
        return self.status < 500 and self.size <= MOST_ANSWER_BYTES


def _key_of(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] not in MUTATING:
        return None
    if scope["path"].startswith(READING_PREFIX) or scope["path"] in STREAMED:
        return None
    return Headers(scope=scope).get("idempotency-key")


def _check_key(key: str) -> None:
    if not key or len(key) > MOST_KEY_CHARACTERS:
        raise BadRequest("Idempotency-Key must have 1 to 255 characters")


def _request_hash(scope: Scope, body: bytes) -> str:
    route = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
    return hashlib.sha256(route.encode("utf-8", "replace") + body).hexdigest()


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The body broke off")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            most = MOST_BODY_BYTES >> 20
            raise TooLarge(f"A request with an Idempotency-Key may have {most} MB")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read once, then whatever comes (a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _kept_response(kept: KeptAnswer) -> Response:
    response = Response(kept.body, kept.status)
    response.raw_headers = [*kept.headers, (b"idempotent-replayed", b"true")]
    return response


async def _send_kept(kept: KeptAnswer, send: Send) -> None:
    headers = [*kept.headers, (b"idempotent-replayed", b"true")]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})
