"""Uploads and downloads, streamed: no file is in memory, and none is stored by the server.

While one runs, a task of its own lets rclone have each new access token.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

from xo_cowork_core.sdk import BadRequest, HostContext, Unavailable, XoError
from xo_cowork_core.sdk.http import HttpStream
from xo_lib_rclone.errors import TokenRefused
from xo_lib_rclone.files import Entry, RemoteFiles
from xo_lib_rclone.rc import RemoteControl
from xo_lib_rclone.remotes import Remotes
from xo_lib_rclone.uploads import Upload

# rclone stores a body below 100 KiB even where it was cut: such a body is sent when it is complete
READ_AHEAD_BYTES = 128 * 1024
CHUNK_SECONDS = 300.0
TOKEN_CHECK_SECONDS = 15.0


class Transfers:
    """Uploads to and downloads from the remotes of one connector."""

    def __init__(
        self, context: HostContext, remotes: Remotes, files: RemoteFiles, rc: RemoteControl
    ) -> None:
        self._context = context
        self._remotes = remotes
        self._files = files
        self._rc = rc

    async def upload(
        self, upload: Upload, folder: str, filename: str, body: AsyncIterator[bytes]
    ) -> Entry:
        """Store a body as a file, in the place of an older one; return what is stored.

        `upload.sent` grows with the bytes that rclone has taken. A body that breaks off leaves no
        file, and an older one as it was: what it raises is raised. Raises as `Remotes.run`; a large
        body can't be sent twice, so that a refused token is Unavailable.
        """
        head, rest = await _read_ahead(_with_deadline(body))
        upload.total = len(head) if rest is None and upload.total is None else upload.total

        async def send() -> None:
            upload.sent = 0
            await self._rc.forget_folders()
            boundary = secrets.token_hex(16)
            parts = _multipart(boundary, filename, _counted(upload, head, rest))
            content_type = f"multipart/form-data; boundary={boundary}"
            await self._rc.send_file(upload.remote, folder, parts, content_type)

        async with self._fresh_tokens(upload.remote):
            if rest is None:
                await self._remotes.run(upload.remote, send)
            else:
                await self._send_once(upload.remote, send)
        path = f"{folder}/{filename}" if folder else filename
        return await self._files.find(upload.remote, path)

    @asynccontextmanager
    async def download(
        self, remote: str, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[HttpStream]:
        """Open the content of a file. `headers` may ask for a range. Raises as `Remotes.run`."""
        # proves the token, and tells a file from a folder, before the answer begins
        await self._files.find(remote, path)
        async with (
            self._fresh_tokens(remote),
            self._rc.open_file(remote, path, headers) as stream,
        ):
            yield stream

    async def _send_once(self, remote: str, send: Callable[[], Awaitable[None]]) -> None:
        tokens = await self._remotes.prepare(remote)
        try:
            await send()
        except TokenRefused:
            await self._remotes.prepare(remote, refused=tokens)
            raise Unavailable(
                "The access to this remote had to be renewed: send the file again.", retry_after=1
            ) from None

    @asynccontextmanager
    async def _fresh_tokens(self, remote: str) -> AsyncIterator[None]:
        """Let rclone have each new access token while the block runs."""
        task = asyncio.create_task(self._renew_tokens(remote), name=f"rclone tokens {remote}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _renew_tokens(self, remote: str) -> None:
        while True:
            await asyncio.sleep(TOKEN_CHECK_SECONDS)
            try:
                await self._remotes.prepare(remote)
            except XoError as error:
                # the transfer goes on while its own token works
                self._context.log.warning("the token of %s stays: %s", remote, error.message)


async def _read_ahead(
    body: AsyncIterator[bytes],
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """Return the start of a body and its rest; None where the start is all of it."""
    head = bytearray()
    async for chunk in body:
        head += chunk
        if len(head) >= READ_AHEAD_BYTES:
            return bytes(head), body
    return bytes(head), None


async def _with_deadline(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(CHUNK_SECONDS):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BadRequest(f"No more of the body came for {CHUNK_SECONDS:.0f} s.") from None
        yield chunk


async def _counted(
    upload: Upload, head: bytes, rest: AsyncIterator[bytes] | None
) -> AsyncIterator[bytes]:
    """Yield a body; a chunk counts as sent when the next one is asked for."""
    yield head
    upload.sent += len(head)
    if rest is not None:
        async for chunk in rest:
            yield chunk
            upload.sent += len(chunk)


async def _multipart(
    boundary: str, filename: str, content: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """Yield a body of multipart/form-data with one file (RFC 7578; RFC 2231 for its name)."""
    name = quote(filename, safe="")
    yield (
        f"--{boundary}\r\n"
        f"Content-Disposition: form-data; name=\"file0\"; filename*=utf-8''{name}\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    async for chunk in content:
        yield chunk
    yield f"\r\n--{boundary}--\r\n".encode()
