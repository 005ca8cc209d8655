"""One HTTP/1.1 connection: uvicorn's, with limits on what a client may send before anybody asks it
who it is.

uvicorn takes a head of any size, for any time. Bytes that bring no message further (a head, the
extensions of chunks, trailers) are counted, and a client that owes us bytes is waited for with a
limit. Each connection owns one timer, which ends with it.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 << 10
BROKEN = "This is no HTTP/1.1 request. In a URL, what is not ASCII must be percent-encoded."


class LimitedHttpProtocol(HttpToolsProtocol):
    """Refuses heads that are too long, and ends when the client stops in the middle."""

    head_seconds = 30.0
    # more than an upload's own patience, which ends in an answer
    body_seconds = 75.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loose_bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._loose_bytes += len(data)
        super().data_received(data)
        if self._loose_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            most = MOST_HEAD_BYTES >> 10
            self._end(431, f"The head of a request may have {most} KB")

    def on_message_begin(self) -> None:
        self._wait(self.head_seconds)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._loose_bytes = 0
        self._wait(self.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._loose_bytes = 0
        # who was answered already has no reason to send on for ever
        if not self.cycle.response_complete:
            self._wait(self.body_seconds)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._loose_bytes = 0
        self._wait(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(400, BROKEN)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: no route has another protocol, the request is answered as it is."""

    def _wait(self, seconds: float | None) -> None:
        """Wait so long for the client, from now on; None: it owes us nothing."""
        if self._patience:
            self._patience.cancel()
        self._patience = None
        if seconds is not None:
            self._patience = self.loop.call_later(seconds, self.lose_patience, seconds)

    def lose_patience(self, seconds: float) -> None:
        """End a connection whose client has stopped, unless it is us who are slow."""
        if self._we_are_slow:
            self._wait(seconds)
        else:
            self.transport.close()

    @property
    def _we_are_slow(self) -> bool:
        if self.flow.read_paused:
            return True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.waiting_for_100_continue or not cycle.more_body

    def _end(self, status: int, detail: str) -> None:
        """Answer, where no answer has begun, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = json.dumps({"detail": detail}).encode()
            self.transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b"
                % (status, HTTPStatus(status).phrase.encode(), len(body), body)
            )
        self.transport.close()
