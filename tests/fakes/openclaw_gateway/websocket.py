"""The parts of HTTP and WebSocket that a server on the loopback needs."""

import asyncio
import base64
import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SHORT, LONG = 126, 127


@dataclass
class Request:
    """One HTTP request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def upgrades(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read a request with its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target.partition("?")[0], headers, body)


def respond(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    """Send a JSON response with `connection: close`."""
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)


class Socket:
    """The server's side of a WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.open = True

    def accept(self, request: Request) -> None:
        """Finish the upgrade."""
        key = request.headers["sec-websocket-key"] + MAGIC
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self._writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            + f"sec-websocket-accept: {accept}\r\n\r\n".encode()
        )

    def send(self, frame: dict[str, Any]) -> None:
        """Send a frame of the protocol."""
        self.send_raw(json.dumps(frame, separators=(",", ":")).encode())

    def send_raw(self, data: bytes, kind: int = TEXT) -> None:
        """Send bytes as they are."""
        if not self.open or self._writer.is_closing():
            return
        size = len(data)
        if size < SHORT:
            head = struct.pack("!BB", 0x80 | kind, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | kind, SHORT, size)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, LONG, size)
        self._writer.write(head + data)

    async def receive(self) -> dict[str, Any] | None:
        """Return the next frame of the protocol; None after a close frame."""
        whole = b""
        while True:
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == SHORT:
                size = struct.unpack("!H", await self._reader.readexactly(2))[0]
            elif size == LONG:
                size = struct.unpack("!Q", await self._reader.readexactly(8))[0]
            mask = await self._reader.readexactly(4)
            data = _unmasked(await self._reader.readexactly(size), mask)
            kind = first & 0x0F
            if kind == CLOSE:
                return None
            if kind == PING:
                self.send_raw(data, PONG)
            elif kind != PONG:
                whole += data
                if first & 0x80:
                    return json.loads(whole)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and close the connection."""
        self.send_raw(struct.pack("!H", code) + reason.encode(), CLOSE)
        self.open = False
        self._writer.close()

    def abort(self) -> None:
        """Break the connection."""
        self.open = False
        self._writer.transport.abort()

    async def drain(self) -> None:
        """Wait until the client has taken what was sent."""
        try:
            await self._writer.drain()
        except ConnectionError:
            self.open = False


def _unmasked(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(data, "big") ^ repeated).to_bytes(size, "big")
