"""A receiver of webhooks on the loopback, which answers as a test says."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self


class Received(NamedTuple):
    """One request: its headers by lower-case names, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes


class WebhookReceiver:
    """Records each request. Use it as a context manager.

    A body with a text of `refused` gets its status, the next other ones `statuses`, then 204.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.statuses: deque[int] = deque()
        self.refused: dict[bytes, int] = {}
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                receiver.requests.append(Received(self.path, headers, body))
                receiver.hold.wait(30)
                self.send_response(receiver.status_for(body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def status_for(self, body: bytes) -> int:
        """Return the status of the answer to a request."""
        for text, status in self.refused.items():
            if text in body:
                return status
        return self.statuses.popleft() if self.statuses else 204

    @property
    def url(self) -> str:
        """The address of the receiver, with a secret of its own in it."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks?key=planted-url-secret"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
