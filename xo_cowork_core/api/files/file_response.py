"""An answer that is a file: its bytes as an attachment, or JSON with the bytes in base64."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xo_cowork_core.services.files.file_reader import OpenFile
from xo_cowork_core.services.files.stored_files import mime_type_of


class SentFile(Response):
    """Sends an open file and closes it. Memory stays flat in both forms.

    A file that is cut while it is sent breaks the answer off: its length has been said.
    """

    def __init__(self, file: OpenFile, *, in_json: bool) -> None:
        self._file = file
        self._in_json = in_json
        self.status_code = 200
        self.background = None
        name = file.path.name
        self._head = b'{"content_base64":"' if in_json else b""
        self._tail = b'","name":' + orjson.dumps(name) + b"}" if in_json else b""
        size = (file.size + 2) // 3 * 4 if in_json else file.size
        headers = {"Content-Length": str(len(self._head) + size + len(self._tail))}
        if in_json:
            headers["Content-Type"] = "application/json"
        else:
            headers["Content-Type"] = mime_type_of(name)
            headers["Content-Disposition"] = attachment(name)
            headers["X-Content-Type-Options"] = "nosniff"
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            head = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            async with aclosing(self._pieces()) as pieces:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._file.close()

    async def _pieces(self) -> AsyncGenerator[bytes]:
        async with aclosing(self._file.chunks()) as pieces:
            if not self._in_json:
                async for piece in pieces:
                    yield piece
                return
            yield self._head
            async for piece in _in_base64(pieces):
                yield piece
            yield self._tail


async def _in_base64(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode piece by piece: what does not fill three bytes waits for the next."""
    rest = b""
    async for piece in pieces:
        whole = rest + piece
        cut = len(whole) - len(whole) % 3
        rest = whole[cut:]
        yield base64.b64encode(whole[:cut])
    if rest:
        yield base64.b64encode(rest)


def attachment(name: str) -> str:
    """Return a `Content-Disposition` that no name can break out of."""
    plain = "".join(c if 32 <= ord(c) < 127 and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
