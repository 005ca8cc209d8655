"""A sign-in as server-sent events, for clients that read it as a stream of `data:` lines."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import orjson

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.sign_in import FlowUpdate, FlowView, OutputLine

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": heartbeat\n\n"


async def sign_in_events(
    updates: AsyncIterator[FlowUpdate], *, success: str = ""
) -> AsyncGenerator[bytes, None]:
    """Encode the updates of `SignIns.follow`, each event as one `data:` line with a JSON object.

    Its `type` is `session` (`session_id`), `installing` (`package`), `install_log`, `stdout` or
    `stderr` (`line`), `auth_url` (`url`, `user_code`), `error` (`error`, `code`), and at the end
    `done` (`returncode`: 0 when a person is signed in). `success` is a line of `stdout` before
    that `done`. A comment is sent after each 15 s of silence.
    """
    encoder = SignInEncoder(success)
    waiting: asyncio.Task[FlowUpdate] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(updates))
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield HEARTBEAT
                continue
            try:
                update = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            if frames := encoder.encode(update):
                yield frames
    finally:
        if waiting is not None:
            waiting.cancel()


class SignInEncoder:
    """Turns updates into events; what did not change is sent once."""

    def __init__(self, success: str) -> None:
        self._success = success
        self._is_open = self._is_installing = False
        self._prompt: tuple[str, str] | None = None

    def encode(self, update: FlowUpdate) -> bytes:
        """Return the events that follow from one update."""
        flow = update.flow
        events: list[dict[str, JsonValue]] = []
        if not self._is_open:
            self._is_open = True
            events.append({"type": "session", "session_id": flow.flow_id})
        events.extend(self._line(line) for line in update.lines)
        url = flow.verification_uri_complete or flow.verification_uri or flow.authorize_url
        if url and self._prompt != (url, flow.user_code or ""):
            self._prompt = (url, flow.user_code or "")
            events.append({"type": "auth_url", "url": url, "user_code": flow.user_code})
        if flow.is_over:
            events.extend(self._end(flow))
        return b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in events)

    def _line(self, line: OutputLine) -> dict[str, JsonValue]:
        if line.stream != "install":
            return {"type": line.stream, "line": line.text}
        if self._is_installing:
            return {"type": "install_log", "line": line.text}
        self._is_installing = True
        return {"type": "installing", "package": line.text}

    def _end(self, flow: FlowView) -> list[dict[str, JsonValue]]:
        if flow.state == "completed":
            line: dict[str, JsonValue] = {"type": "stdout", "line": self._success}
            return [*([line] if self._success else []), {"type": "done", "returncode": 0}]
        code = flow.error.code if flow.error else flow.state
        error: dict[str, JsonValue] = {"type": "error", "error": flow.message, "code": code}
        return [error, {"type": "done", "returncode": 1}]
