"""The response that sends a file: its bytes as an attachment, or JSON with the bytes in base64."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xo_cowork_core.services.files.file_reader import OpenFile
from xo_cowork_core.services.files.stored_files import mime_type_of


class OpenFileResponse(Response):
    """Sends an open file in chunks and closes it.

    `Content-Length` is sent first, so a file that is truncated meanwhile aborts the response.
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
            headers["Content-Disposition"] = attachment_header(name)
            headers["X-Content-Type-Options"] = "nosniff"
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            head = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._file.close()

    async def _chunks(self) -> AsyncGenerator[bytes]:
        async with aclosing(self._file.chunks()) as chunks:
            if not self._in_json:
                async for chunk in chunks:
                    yield chunk
                return
            yield self._head
            async for chunk in _encode_base64(chunks):
                yield chunk
            yield self._tail


async def _encode_base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Encode each chunk; the bytes after its last full group of three go with the next chunk."""
    rest = b""
    async for chunk in chunks:
        joined = rest + chunk
        end = len(joined) - len(joined) % 3
        rest = joined[end:]
        yield base64.b64encode(joined[:end])
    if rest:
        yield base64.b64encode(rest)


def attachment_header(name: str) -> str:
    """Return a `Content-Disposition` header, escaped for any name."""
    plain = "".join(c if 32 <= ord(c) < 127 and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
