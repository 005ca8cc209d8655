"""Limits of one HTTP/1.1 connection that apply before a request is authenticated.

uvicorn accepts a head of any size, sent over any time. `LimitedHttpProtocol` counts the bytes that
are no body (head, chunk extensions, trailers) and closes the connection of a client that stops in
the middle of a request. Each connection owns one timer, which is cancelled with it.

When uvicorn shuts down, it closes connections whose first request has not arrived yet. Here a new
connection gets a moment for it: it may have been accepted just before.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 << 10
MALFORMED_REQUEST = (
    "This is no HTTP/1.1 request. In a URL, what is not ASCII must be percent-encoded."
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """Answers 431 to a head over the limit, and closes when the client stops sending."""

    head_seconds = 30.0
    # longer than the time limit of an upload, which ends in an answer
    body_seconds = 75.0
    # from the connection to its first request, while the server shuts down
    first_request_seconds = 0.5

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._overhead_bytes = 0
        self._connected_at = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connected_at = self.loop.time()
        self._set_deadline(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_deadline(None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection once it has no request, also when called again and again."""
        connected_seconds = self.loop.time() - self._connected_at
        if self.cycle is not None or connected_seconds >= self.first_request_seconds:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        self._overhead_bytes += len(data)
        super().data_received(data)
        if self._overhead_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            most = MAX_HEAD_BYTES >> 10
            self._refuse(431, f"The head of a request may have {most} KB")

    def on_message_begin(self) -> None:
        self._set_deadline(self.head_seconds)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._overhead_bytes = 0
        self._set_deadline(self.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes = 0
        # a client that has its answer gets no more time
        if not self.cycle.response_complete:
            self._set_deadline(self.body_seconds)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._overhead_bytes = 0
        self._set_deadline(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, MALFORMED_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: no route has another protocol, the request is answered as it is."""

    def _set_deadline(self, seconds: float | None) -> None:
        """Close the connection in so many seconds; None: never, no bytes are expected."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self.close_overdue, seconds)

    def close_overdue(self, seconds: float) -> None:
        """Close the connection, unless it is the server that delays the client."""
        if self._is_server_slow:
            self._set_deadline(seconds)
        else:
            self.transport.close()

    @property
    def _is_server_slow(self) -> bool:
        if self.flow.read_paused:
            return True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return cycle.waiting_for_100_continue or not cycle.more_body

    def _refuse(self, status: int, detail: str) -> None:
        """Send an error, where no answer has begun, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = json.dumps({"detail": detail}).encode()
            self.transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b"
                % (status, HTTPStatus(status).phrase.encode(), len(body), body)
            )
        self.transport.close()
