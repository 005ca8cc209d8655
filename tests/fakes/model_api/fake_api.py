"""The HTTP server of the fake model APIs: reads requests, sends JSON and event streams."""

import argparse
import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from script import Budget

MAX_HEAD_BYTES = 64 * 1024 * 1024
Request = tuple[str, str, dict[str, str], bytes]


class ConnectionAborted(Exception):
    """The script aborts the connection here."""


class FakeApi(ABC):
    """One listening server."""

    def __init__(self, log: Path | None) -> None:
        self.budget = Budget()
        self._log = log

    @abstractmethod
    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Answer one request. Raises `ConnectionAborted` where the script does so."""

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve requests until the client leaves or a script breaks the connection."""
        try:
            while True:
                await self.answer(await _read(reader), writer)
        except (ConnectionAborted, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()

    def note(self, line: dict[str, Any]) -> None:
        """Append a line to the log, where there is one."""
        if self._log:
            with self._log.open("a") as log:
                log.write(json.dumps(line) + "\n")


async def send_json(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    """Send a whole answer."""
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()


async def send_stream(
    writer: asyncio.StreamWriter, frames: AsyncIterator[str], head: str = ""
) -> None:
    """Send server-sent events, each as it comes; `head` are more header lines."""
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\n" + head.encode() + b"\r\n"
    )
    async for text in frames:
        frame = text.encode()
        writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def text_of(content: object) -> str:
    """Join the texts of a message's content."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def serve(kind: type[FakeApi], description: str | None) -> None:
    """Listen until killed; print {"port": N} first."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    asyncio.run(_listen(kind(given.log), given.port))


async def _listen(api: FakeApi, port: int) -> None:
    server = await asyncio.start_server(api.connection, "127.0.0.1", port, limit=MAX_HEAD_BYTES)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, target.partition("?")[0], headers, body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
