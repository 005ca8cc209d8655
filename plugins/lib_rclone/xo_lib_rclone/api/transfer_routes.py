"""Uploads to and downloads from a remote, and the progress of uploads."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from xo_cowork_core.sdk import BadRequest
from xo_lib_rclone.api.schemas import UploadBody, UploadedBody, UploadsBody
from xo_lib_rclone.api.serializers import entry_body, upload_body
from xo_lib_rclone.drive import CloudDrive
from xo_lib_rclone.names import (
    check_entry_path,
    check_filename,
    check_path,
    check_remote_name,
    check_upload_id,
)
from xo_lib_rclone.uploads import Upload

Name = Annotated[str, Path(examples=["work"])]
Folder = Annotated[str, Query(description="A folder; empty for the root.", examples=["Docs"])]
FilePath = Annotated[str, Query(examples=["Docs/plan.pdf"])]
Filename = Annotated[str, Query(description="One name, without a slash.", examples=["plan.pdf"])]
UploadId = Annotated[str, Query(description="Chosen by the client.", examples=["upload-1"])]
ByteRange = Annotated[str, Header(alias="range", examples=["bytes=0-1023"])]
BINARY = "application/octet-stream"
# what the answer of a download takes over from rclone's
PASSED_HEADERS = ("content-length", "content-range", "accept-ranges", "last-modified")
RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
    }
}
FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file's content.",
        "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
    },
    206: {"description": "The part of it that the `Range` header asked for."},
}


class HeldResponse(StreamingResponse):
    """A streamed answer that frees what it holds when it has ended, however it ends."""

    def __init__(self, held: AsyncExitStack, content: AsyncIterator[bytes], **options: Any) -> None:
        super().__init__(content, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        async with self._held:
            await super().__call__(scope, receive, send)


class TransferRoutes:
    """Streams files in both directions. The server stores nothing of them."""

    def __init__(self, drive: CloudDrive) -> None:
        self._remotes = drive.remotes
        self._transfers = drive.transfers
        self._uploads = drive.uploads

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        remote = "/remotes/{name}"
        router.post(remote + "/upload", openapi_extra=RAW_BODY)(self.upload_file)
        router.get(remote + "/uploads")(self.list_uploads)
        router.get(remote + "/uploads/{upload_id}")(self.read_upload)
        download = router.get(
            remote + "/download", response_class=StreamingResponse, responses=FILE_RESPONSES
        )
        download(self.download_file)

    async def upload_file(
        self,
        name: Name,
        request: Request,
        filename: Filename,
        path: Folder = "",
        upload_id: UploadId = "",
    ) -> UploadedBody:
        """Store the raw body as a file in a folder, which is created if it does not exist.

        It replaces a file of that name once it is complete: a body that breaks off changes nothing.
        """
        check_remote_name(name)
        folder, filename = check_path(path), check_filename(filename)
        if upload_id:
            check_upload_id(upload_id)
        self._remotes.find(name)
        full_path = f"{folder}/{filename}" if folder else filename
        upload = self._uploads.begin(name, full_path, upload_id, _content_length(request))
        return await self._upload(upload, folder, filename, request)

    async def list_uploads(self, name: Name) -> UploadsBody:
        """List the running uploads to a remote, and the last that have ended."""
        check_remote_name(name)
        return UploadsBody(uploads=[upload_body(each) for each in self._uploads.of(name)])

    async def read_upload(self, name: Name, upload_id: Annotated[str, Path()]) -> UploadBody:
        """Return the progress of an upload."""
        check_remote_name(name)
        return upload_body(self._uploads.find(name, check_upload_id(upload_id)))

    async def download_file(
        self, name: Name, path: FilePath, byte_range: ByteRange = ""
    ) -> StreamingResponse:
        """Return the content of a file, or a range of it."""
        check_remote_name(name)
        inner = check_entry_path(path)
        self._remotes.find(name)
        headers = {"range": byte_range} if byte_range else {}
        async with AsyncExitStack() as stack:
            stream = await stack.enter_async_context(self._transfers.download(name, inner, headers))
            # the answer outlives this function
            held = stack.pop_all()
        return HeldResponse(
            held,
            stream.chunks(),
            status_code=stream.status,
            headers=_download_headers(stream.headers, inner),
            media_type=BINARY,
        )

    async def _upload(
        self, upload: Upload, folder: str, filename: str, request: Request
    ) -> UploadedBody:
        try:
            entry = await self._transfers.upload(upload, folder, filename, _body_of(request))
        except BaseException as error:
            self._uploads.end(upload, error)
            raise
        self._uploads.end(upload)
        return UploadedBody(ok=True, upload_id=upload.upload_id, file=entry_body(entry))


async def _body_of(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise BadRequest("The body broke off; nothing was stored.") from None


def _content_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _download_headers(headers: Mapping[str, str], path: str) -> dict[str, str]:
    name = quote(path.rpartition("/")[2], safe="")
    passed = {key: headers[key] for key in PASSED_HEADERS if key in headers}
    # a page from somebody's drive must not run at this server's address
    return {
        **passed,
        "content-disposition": f"attachment; filename*=utf-8''{name}",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
