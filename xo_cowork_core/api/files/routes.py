"""Files (contract §4)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request, Response
from fastapi import Body as JsonBody
from fastapi.responses import JSONResponse
from pydantic import Field, WithJsonSchema
from starlette.requests import ClientDisconnect

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.files.file_response import SentFile
from xo_cowork_core.api.files.multipart import UploadForm
from xo_cowork_core.api.idempotency import answer_once
from xo_cowork_core.api.models import RequestModel, ResponseModel
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.api.sessions.serializers import style_of
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.stored_files import StoredFile
from xo_cowork_core.services.projects.scaffold import ProjectTexts

UPLOAD_PATH = "/api/files/upload"
router = APIRouter()
FAMILY = RouteFamily(
    name="files",
    description="Files and folders below the home folder.",
    router=router,
    prefixes=("/api/files",),
    policies={UPLOAD_PATH: RoutePolicy(streams_upload=True)},
)
Row = dict[str, Any]
PATH = "/home/ann/xo-projects/garden/PLAN.md"


class PathBody(RequestModel):
    """A file or folder, absolute or from `~/`."""

    path: str | None = Field(default=None, examples=[PATH])


class SaveBody(RequestModel):
    """A text and where it goes."""

    path: str | None = Field(default=None, examples=[PATH])
    content: Annotated[Any, WithJsonSchema({"type": "string", "examples": ["# Plan\n"]})] = None


class ReadBody(PathBody):
    """A file; `encoding: base64` asks for JSON whatever the wire style."""

    encoding: str | None = Field(default=None, examples=["base64"])


class MkdirBody(RequestModel):
    """A new folder."""

    path: str | None = Field(default=None, examples=["~/xo-projects/garden"])
    scaffold: bool = Field(default=False, description="Make a project's first files, too.")
    display_name: str | None = Field(default=None, examples=["Garden"])
    description: str | None = None
    files: list[str] = Field(default=[], description="Files to copy into it.")


class SearchBody(RequestModel):
    """A part of a name to look for."""

    directory: str | None = Field(default=None, examples=["~/xo-projects/garden"])
    query: str = Field(default="", examples=["plan"])
    limit: int = Field(default=50, examples=[50])


class AttachBody(RequestModel):
    """Files that are here already."""

    paths: list[str] = Field(examples=[[PATH]])


class ItemBody(ResponseModel):
    """An entry of a folder."""

    name: str
    path: str
    size: int
    mtime: str
    is_symlink: bool


class ListingBody(ResponseModel):
    """A folder. `parent` is null where nothing above it is served."""

    path: str = Field(examples=["/home/ann"])
    parent: str | None
    dirs: list[ItemBody]
    files: list[ItemBody]


class ContentBody(ResponseModel):
    """A text file; bytes that are no UTF-8 are replaced."""

    content: str = Field(examples=["# Plan\n"])
    path: str = Field(examples=[PATH])


class SavedBody(ResponseModel):
    """A text that is on disk."""

    path: str = Field(examples=[PATH])
    bytes: int = Field(examples=[7])


class MadeBody(ResponseModel):
    """A folder that was made, and the names of the files that were put in."""

    path: str = Field(examples=["/home/ann/xo-projects/garden"])
    name: str = Field(examples=["garden"])
    copied: list[str] = Field(examples=[["notes.txt"]])


class FoundBody(ResponseModel):
    """A file that was found."""

    name: str = Field(examples=["PLAN.md"])
    relative_path: str = Field(examples=["PLAN.md"])
    absolute_path: str = Field(examples=[PATH])


class FileBody(ResponseModel):
    """A file that a prompt may be given."""

    file_id: str = Field(examples=["9f86d081884c7d65"])
    name: str = Field(examples=["PLAN.md"])
    path: str = Field(examples=[PATH])
    size: int
    mime_type: str = Field(examples=["text/markdown"])
    source: str = Field(examples=["uploaded"])
    content_hash: str

    @classmethod
    def of(cls, file: StoredFile) -> "FileBody":
        return cls(
            file_id=file.file_id,
            name=file.name,
            path=str(file.path),
            size=file.size,
            mime_type=file.mime_type,
            source=file.source,
            content_hash=file.content_hash,
        )


UPLOAD_FORM: Row = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "workspace": {"type": "string", "description": "Folder to put it in."},
                        "space": {"type": "string", "description": "The same."},
                    },
                }
            }
        },
    }
}
BINARY: dict[int | str, Row] = {
    200: {
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": {"type": "object"},
                "example": {"content_base64": "IyBQbGFuCg==", "name": "PLAN.md"},
            },
        }
    }
}


@router.post(UPLOAD_PATH, openapi_extra=UPLOAD_FORM, response_model=FileBody)
async def upload(request: Request, services: ServicesDep) -> Response:
    """Take one file in. It goes to disk as it comes; equal bytes are kept once."""
    form = UploadForm(request.headers.get("content-type", ""))
    uploads = services.files.uploads
    async with uploads.receive(_body(request), form) as received:

        async def put() -> Response:
            return JSONResponse(FileBody.of(await uploads.place(received)).model_dump())

        return await answer_once(request, services.idempotency, received.fingerprint, put)


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BadRequest("The body broke off") from None


@router.post("/api/files/list-directory", response_model=ListingBody)
async def list_directory(
    services: ServicesDep,
    body: Annotated[PathBody | None, JsonBody(examples=[{"path": "~/xo-projects"}])] = None,
) -> Response:
    """List a folder, the home folder by default."""
    listing = await services.files.lister.list(body and body.path)
    # a folder of 100,000 entries takes a while
    return Response(await asyncio.to_thread(orjson.dumps, listing), media_type="application/json")


@router.post("/api/files/content")
async def read_content(body: PathBody, services: ServicesDep, response: Response) -> ContentBody:
    """Return a text file; its `ETag` may be sent with `save`."""
    text = await services.files.reader.read_text(body.path)
    response.headers["ETag"] = text.etag
    return ContentBody(content=text.content, path=str(text.path))


@router.post("/api/files/content-binary", response_class=Response, responses=BINARY)
async def read_binary(body: ReadBody, request: Request, services: ServicesDep) -> Response:
    """Send a file as it is, or in base64."""
    style = style_of(request, services.wire_style)
    file = await services.files.reader.open(body.path)
    return SentFile(file, in_json=style == "spa" or body.encoding == "base64")


@router.post("/api/files/save")
async def save(
    body: SaveBody,
    services: ServicesDep,
    response: Response,
    if_match: Annotated[list[str] | None, Header(), WithJsonSchema({"type": "string"})] = None,
) -> SavedBody:
    """Write a text file, whole or not at all."""
    tags = None if if_match is None else ",".join(if_match)
    saved = await services.files.writer.save(body.path, body.content, tags)
    response.headers["ETag"] = saved.etag
    return SavedBody(path=str(saved.path), bytes=saved.size)


@router.post("/api/files/mkdir")
async def make_folder(body: MkdirBody, services: ServicesDep) -> MadeBody:
    """Make a folder, or a project."""
    if body.scaffold:
        folder = await services.projects.create(
            body.path, ProjectTexts(body.display_name, body.description), files=body.files
        )
    else:
        folder = await services.files.folders.make(body.path, files=body.files)
    return MadeBody(path=str(folder.path), name=folder.path.name, copied=list(folder.copied))


@router.post("/api/files/search")
async def search_files(body: SearchBody, services: ServicesDep) -> list[FoundBody]:
    """Find files by a part of their names, the best first."""
    found = await services.files.search.find(body.directory, body.query, body.limit)
    return [
        FoundBody(name=match.name, relative_path=match.relative_path, absolute_path=str(match.path))
        for match in found
    ]


@router.post("/api/files/attach")
async def attach(body: AttachBody, services: ServicesDep) -> list[FileBody]:
    """Describe files that are here already, as an upload would be."""
    found = await services.files.describer.describe(body.paths)
    return [FileBody.of(file) for file in found]
