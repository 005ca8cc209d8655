"""`Idempotency-Key` on mutating routes (contract §1), as ASGI middleware.

The middleware reads the body first, because the hash of the body belongs to the key. It stores the
answer as it is sent, except for a status of 500 or above and for an answer that breaks off. A
route that streams an upload calls `answer_once` after the body is on disk and hashed.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xo_cowork_core.api.errors import error_response
from xo_cowork_core.api.route_family import RoutePolicy
from xo_cowork_core.sdk import BadRequest, XoError
from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.services.idempotency import Idempotency, StoredAnswer

MAX_ANSWER_BYTES = 4 << 20
MAX_KEY_CHARACTERS = 255


class IdempotencyMiddleware:
    """Runs a request with a key once and repeats the stored answer after that."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Idempotency,
        policy_for: Callable[[str, str], RoutePolicy],
    ) -> None:
        self._app = app
        self._keys = keys
        self._policy_for = policy_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        policy = self._policy_for(scope["method"], scope["path"])
        if not policy.idempotent or policy.streams_upload:
            await self._app(scope, receive, send)
            return
        keys = self._keys
        try:
            _check_key(key)
            body = await _read_body(receive, policy.max_body_bytes)
            stored = await keys.begin(key, _request_hash(scope, body))
        except XoError as error:
            await error_response(error)(scope, receive, send)
            return
        if stored:
            await _repeat_answer(stored)(scope, receive, send)
        else:
            await self._run_request(keys, key, body, scope, receive, send)

    async def _run_request(
        self,
        keys: Idempotency,
        key: str,
        body: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        recorder = _AnswerRecorder(send, lambda answer: keys.finish(key, answer))
        try:
            await self._app(scope, _replay_body(body, receive), recorder)
        finally:
            if not recorder.is_stored:
                await keys.release(key)


async def answer_once(
    request: Request, keys: Idempotency, fingerprint: str, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Run `work` once for the request's key; `fingerprint` is the hash of the body."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return await work()
    _check_key(key)
    stored = await keys.begin(key, _request_hash(request.scope, fingerprint.encode()))
    if stored:
        return _repeat_answer(stored)
    try:
        response = await work()
    except XoError as error:
        response = error_response(error)
    except BaseException:
        await keys.release(key)
        raise
    if response.status_code < 500:
        headers = tuple((bytes(k), bytes(v)) for k, v in response.raw_headers)
        await keys.finish(key, StoredAnswer(response.status_code, headers, bytes(response.body)))
    else:
        await keys.release(key)
    return response


@dataclass(slots=True)
class _AnswerRecorder:
    """Forwards an answer and stores a copy of bounded size.

    The copy is stored before the last chunk goes out: a client that has the whole answer must get
    the same one after a crash.
    """

    send: Send
    store: Callable[[StoredAnswer], Awaitable[None]]
    status: int = 500
    headers: tuple[tuple[bytes, bytes], ...] = ()
    chunks: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    is_stored: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple((bytes(k), bytes(v)) for k, v in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            body: bytes = message.get("body", b"")
            self.size += len(body)
            if self.size <= MAX_ANSWER_BYTES:
                self.chunks.append(body)
            if not message.get("more_body", False) and self._is_storable:
                self.is_stored = True
                await self.store(StoredAnswer(self.status, self.headers, b"".join(self.chunks)))
        await self.send(message)

    @property
    def _is_storable(self) -> bool:
        return self.status < 500 and self.size <= MAX_ANSWER_BYTES


def _check_key(key: str) -> None:
    if not key or len(key) > MAX_KEY_CHARACTERS:
        raise BadRequest("Idempotency-Key must have 1 to 255 characters")


def _request_hash(scope: Scope, body: bytes) -> str:
    route = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
    return hashlib.sha256(route.encode("utf-8", "replace") + body).hexdigest()


async def _read_body(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The body broke off")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"A request with an Idempotency-Key may have {max_bytes >> 20} MB")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body as one message, then what comes (a disconnect)."""
    is_sent = False

    async def replay() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _repeat_answer(stored: StoredAnswer) -> Response:
    response = Response(stored.body, stored.status)
    response.raw_headers = [*stored.headers, (b"idempotent-replayed", b"true")]
    return response
