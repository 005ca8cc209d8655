"""Files (contract §4)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import Body as JsonBody
from fastapi import Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema
from starlette.requests import ClientDisconnect

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.files import UPLOAD_PATH, schemas
from xo_cowork_core.api.files.file_response import OpenFileResponse
from xo_cowork_core.api.files.multipart import UploadForm
from xo_cowork_core.api.idempotency import answer_once
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.wire_style import wire_style_of
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.projects.scaffold import ProjectTexts

router = lazy_router()


@router.post(UPLOAD_PATH, openapi_extra=schemas.UPLOAD_FORM, response_model=schemas.StoredFileRow)
async def upload(request: Request, services: ServicesDep) -> Response:
    """Upload one file. The body is streamed to disk; files with equal content are stored once."""
    form = UploadForm(request.headers.get("content-type", ""))
    uploads = services.files.uploads
    async with uploads.receive(_body(request), form) as received:

        async def put() -> Response:
            return JSONResponse(schemas.stored_file_row(await uploads.place(received)))

        return await answer_once(request, services.idempotency, received.fingerprint, put)


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BadRequest("The body broke off") from None


@router.post("/api/files/list-directory", response_model=schemas.FolderListing)
async def list_directory(
    services: ServicesDep,
    body: Annotated[
        schemas.PathRequest | None, JsonBody(examples=[{"path": "~/xo-projects"}])
    ] = None,
) -> Response:
    """List a folder, the home folder by default."""
    listing = await services.files.lister.list(body and body.path)
    # a folder of 100,000 entries takes a while
    return Response(await asyncio.to_thread(orjson.dumps, listing), media_type="application/json")


@router.post("/api/files/content")
async def read_content(
    body: schemas.PathRequest, services: ServicesDep, response: Response
) -> schemas.FileContent:
    """Return a text file; its `ETag` may be sent with `save`."""
    text = await services.files.reader.read_text(body.path)
    response.headers["ETag"] = text.etag
    return schemas.FileContent(content=text.content, path=str(text.path))


@router.post(
    "/api/files/content-binary", response_class=Response, responses=schemas.BINARY_RESPONSES
)
async def read_binary(
    body: schemas.ReadBinaryRequest, request: Request, services: ServicesDep
) -> Response:
    """Return the bytes of a file, as an attachment or in base64."""
    style = wire_style_of(request, services.wire_style)
    file = await services.files.reader.open(body.path)
    return OpenFileResponse(file, in_json=style == "spa" or body.encoding == "base64")


@router.post("/api/files/save")
async def save(
    body: schemas.SaveRequest,
    services: ServicesDep,
    response: Response,
    if_match: Annotated[list[str] | None, Header(), WithJsonSchema({"type": "string"})] = None,
) -> schemas.SavedFile:
    """Write a text file atomically."""
    tags = None if if_match is None else ",".join(if_match)
    saved = await services.files.writer.save(body.path, body.content, tags)
    response.headers["ETag"] = saved.etag
    return schemas.SavedFile(path=str(saved.path), bytes=saved.size)


@router.post("/api/files/mkdir")
async def make_folder(body: schemas.MakeFolderRequest, services: ServicesDep) -> schemas.MadeFolder:
    """Create a folder or a project."""
    if body.scaffold:
        folder = await services.projects.create(
            body.path, ProjectTexts(body.display_name, body.description), files=body.files
        )
    else:
        folder = await services.files.folders.make(body.path, files=body.files)
    return schemas.MadeFolder(
        path=str(folder.path), name=folder.path.name, copied=list(folder.copied)
    )


@router.post("/api/files/search")
async def search_files(
    body: schemas.SearchRequest, services: ServicesDep
) -> list[schemas.FileMatchRow]:
    """Find files by a part of their names, best match first."""
    matches = await services.files.search.find(body.directory, body.query, body.limit)
    return [
        schemas.FileMatchRow(
            name=match.name, relative_path=match.relative_path, absolute_path=str(match.path)
        )
        for match in matches
    ]


@router.post("/api/files/attach")
async def attach(body: schemas.AttachRequest, services: ServicesDep) -> list[schemas.StoredFileRow]:
    """Describe existing files in the form of an upload's response."""
    files = await services.files.describer.describe(body.paths)
    return [schemas.stored_file_row(file) for file in files]
