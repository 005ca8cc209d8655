"""Runs an ASGI app on a loopback port, in a thread of its own."""

import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette

from xo_cowork_core.sdk.testing.ports import free_port

START_SECONDS = 30.0
# longer than clients keep an idle connection: they send no request on one that is being closed
KEEP_ALIVE_SECONDS = 75


class LoopbackServer:
    """One app on one port of 127.0.0.1. It may be started again after `close`, on the same port."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen, and return the URL. Raises AssertionError when it takes longer than 30 s."""
        self._port = self._port or free_port()
        listener = create_listener(self._port)
        config = uvicorn.Config(
            self._app,
            log_level="error",
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=1,
        )
        server = self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=server.run, args=([listener],), name="loopback-server", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the loopback server did not start"
            time.sleep(0.002)
        return f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """Stop listening. Harmless when it does not run."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(START_SECONDS)
            self._server = self._thread = None


def create_listener(port: int = 0) -> socket.socket:
    """Return a listening socket on 127.0.0.1, with the port 0 on a free one.

    It names its protocol: asyncio sets TCP_NODELAY on no other connections, and an answer of two
    writes then waits 40 ms for an acknowledgement.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
