"""Listens on 127.0.0.1 for the browser that comes back from a provider.

Whatever is not an answer to the flow (a favicon, a scan, a stray tab, another state) gets 400 and
changes nothing. Its connections are tasks that `close` ends.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.pages import PAGE_HEADERS, result_page
from xo_cowork_core.services.auth_flows.views import CallbackResult

HOST = "127.0.0.1"
MAX_HEAD_BYTES = 32 * 1024
HEAD_SECONDS = 5.0
MAX_CONNECTIONS = 16
CLOSE_SECONDS = 2.0
log = logging.getLogger("xo_cowork.auth_flows")
OnQuery = Callable[[Mapping[str, str]], Awaitable[CallbackResult]]


class LoopbackListener:
    """A minimal HTTP server for one path. `on_query` gets the query of each request to it."""

    def __init__(self, path: str, on_query: OnQuery) -> None:
        self._path = path
        self._on_query = on_query
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Listen on a port, 0 for a free one, and return it. Raises OSError."""
        self._server = await asyncio.start_server(
            self._serve, HOST, port, limit=MAX_HEAD_BYTES, backlog=MAX_CONNECTIONS
        )
        return self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Free the port at once; answers that are being sent are completed."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Stop, and end the connections after 2 s."""
        self.stop_listening()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=CLOSE_SECONDS)
            for connection in late:
                connection.cancel()
            if late:
                await asyncio.wait(late)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) <= MAX_CONNECTIONS:
                result = await self._answer(reader)
                writer.write(_response(result))
                async with asyncio.timeout(HEAD_SECONDS):
                    await writer.drain()
        except (OSError, TimeoutError):
            log.debug("a browser left before it had its page")
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> CallbackResult:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return CallbackResult(ok=False, message=texts.STRAY)
        request = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(request) != 3 or request[0] != "GET":
            return CallbackResult(ok=False, message=texts.STRAY)
        try:
            parts = urlsplit(request[1])
        except ValueError:
            return CallbackResult(ok=False, message=texts.STRAY)
        if parts.path != self._path:
            return CallbackResult(ok=False, message=texts.STRAY)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = dict(pairs)
        # RFC 6749 §3.1: a parameter must not occur twice
        return await self._on_query(query if len(query) == len(pairs) else {})


def _response(result: CallbackResult) -> bytes:
    body = result_page(ok=result.ok, message=result.message)
    status = "400 Bad Request" if result.flow is None or not result.ok else "200 OK"
    headers = {**PAGE_HEADERS, "content-length": str(len(body)), "connection": "close"}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
