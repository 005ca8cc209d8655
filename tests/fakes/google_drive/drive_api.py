"""The Drive API v3 over a `FileStore`: metadata, content, multipart and resumable uploads."""

import email
import email.policy
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.google_drive.file_store import DriveFile, FileStore
from tests.fakes.microsoft_graph.faults import RequestFaults
from xo_cowork_core.sdk.events.base import JsonValue

FILES = "/drive/v3/files"
UPLOAD = "/upload/drive/v3/files"
CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
HOST = "https://www.googleapis.com"
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class UploadSession:
    """A resumable upload: what it will be, and what has come."""

    metadata: Mapping[str, JsonValue]
    file_id: str
    content: bytearray


def error_response(status: int, reason: str, message: str) -> JSONResponse:
    """An error as Google's APIs send it."""
    fault = {"domain": "global", "reason": reason, "message": message}
    body = {"error": {"code": status, "message": message, "errors": [fault]}}
    return JSONResponse(body, status)


class DriveApi:
    """Answers requests with a valid access token. `open_uploads` are the unfinished ones."""

    def __init__(
        self, store: FileStore, is_valid: Callable[[str], bool], faults: RequestFaults
    ) -> None:
        self.open_uploads: dict[str, UploadSession] = {}
        self._store = store
        self._is_valid = is_valid
        self._faults = faults

    def build_app(self) -> Starlette:
        """Return the ASGI app."""
        routes: list[tuple[str, str, Handler]] = [
            (FILES, "GET", self._list),
            (FILES, "POST", self._create),
            (FILES + "/{file_id}", "GET", self._read),
            (FILES + "/{file_id}", "PATCH", self._update),
            (FILES + "/{file_id}", "DELETE", self._delete),
            (UPLOAD, "POST", self._upload),
            (UPLOAD + "/{file_id}", "PATCH", self._upload),
            # rclone sends the parts of any resumable upload with POST
            (UPLOAD + "/{file_id}", "POST", self._upload_part),
        ]
        return Starlette(
            routes=[Route(p, self._guarded(h), methods=[method]) for p, method, h in routes]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def serve(request: Request) -> Response:
            fault = await self._faults.meet(request.method, request.url.path)
            if fault is not None:
                return fault
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not self._is_valid(token):
                return error_response(401, "authError", "Invalid Credentials")
            try:
                return await handler(request)
            except ClientDisconnect:
                # rclone was killed
                return Response(status_code=400)

        return serve

    async def _list(self, request: Request) -> Response:
        files = self._store.search(request.query_params.get("q", ""))
        return JSONResponse(
            {"files": [file.resource() for file in files], "incompleteSearch": False}
        )

    async def _create(self, request: Request) -> Response:
        return self._answer(self._store.store(_metadata(await request.body()), b""))

    async def _read(self, request: Request) -> Response:
        file = self._store.find(request.path_params["file_id"])
        if file is None:
            return error_response(404, "notFound", "File not found.")
        if request.query_params.get("alt") == "media":
            return _content(file, request.headers.get("range", ""))
        return self._answer(file)

    async def _update(self, request: Request) -> Response:
        file = self._store.find(request.path_params["file_id"])
        if file is None:
            return error_response(404, "notFound", "File not found.")
        self._store.update(file, _metadata(await request.body()))
        return self._answer(file)

    async def _delete(self, request: Request) -> Response:
        with self._store.lock:
            self._store.files.pop(request.path_params["file_id"], None)
        return Response(status_code=204)

    async def _upload(self, request: Request) -> Response:
        """Store a multipart body, or begin or continue a resumable upload."""
        if "upload_id" in request.query_params:
            return await self._upload_part(request)
        file_id = request.path_params.get("file_id", "")
        body = await request.body()
        if request.query_params.get("uploadType") == "resumable":
            upload_id = secrets.token_urlsafe(16)
            self.open_uploads[upload_id] = UploadSession(_metadata(body), file_id, bytearray())
            location = f"{HOST}{request.url.path}?uploadType=resumable&upload_id={upload_id}"
            return Response(headers={"location": location})
        content_type = request.headers["content-type"].encode()
        message = email.message_from_bytes(
            b"Content-Type: " + content_type + b"\r\n\r\n" + body, policy=email.policy.HTTP
        )
        metadata, content = (
            cast("bytes", part.get_payload(decode=True)) for part in message.iter_parts()
        )
        return self._answer(self._store.store(_metadata(metadata), content, file_id))

    async def _upload_part(self, request: Request) -> Response:
        """Take a part of a resumable upload; the last one stores the file."""
        upload_id = request.query_params.get("upload_id", "")
        session = self.open_uploads.get(upload_id)
        match = CONTENT_RANGE.fullmatch(request.headers.get("content-range", ""))
        if session is None or match is None:
            return error_response(404, "notFound", "There is no such upload.")
        session.content += await request.body()
        total = match[3]
        if total == "*" or len(session.content) < int(total):
            end = len(session.content) - 1
            return Response(status_code=308, headers={"range": f"bytes=0-{end}"})
        del self.open_uploads[upload_id]
        content = bytes(session.content)
        return self._answer(self._store.store(session.metadata, content, session.file_id))

    def _answer(self, file: DriveFile) -> Response:
        return JSONResponse(file.resource())


def _metadata(body: bytes) -> Mapping[str, JsonValue]:
    return cast("Mapping[str, JsonValue]", json.loads(body or b"{}"))


def _content(file: DriveFile, wanted: str) -> Response:
    match = RANGE.fullmatch(wanted)
    if match is None:
        return Response(file.content, media_type=file.mime_type)
    start = int(match[1])
    end = int(match[2]) if match[2] else len(file.content) - 1
    headers = {"content-range": f"bytes {start}-{end}/{len(file.content)}"}
    return Response(file.content[start : end + 1], 206, headers, file.mime_type)
