"""The HTTP of graph.microsoft.com and of the hosts for uploads and downloads."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, cast
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from xo_cowork_core.sdk.events.base import JsonValue

from .drive import QUOTA_BYTES, Drive, DriveItem, GraphError
from .faults import RequestFaults
from .item_address import ItemAddress, parse_address
from .upload_sessions import UploadSession, UploadSessions

GRAPH_HOST = "graph.microsoft.com"
UPLOAD_HOST = "api.onedrive.com"
DOWNLOAD_HOST = "public.bl.files.1drv.com"
WRITE_SCOPES = frozenset({"Files.ReadWrite", "Files.ReadWrite.All"})
READ_SCOPES = WRITE_SCOPES | {"Files.Read", "Files.Read.All"}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
JsonObject: TypeAlias = Mapping[str, JsonValue]
FindScopes: TypeAlias = Callable[[str], frozenset[str] | None]


class GraphApi:
    """Answers the requests to the drives of one account.

    `find_scopes` returns the scopes of a valid access token, None for any other one. The first of
    `drives` is the account's own.
    """

    def __init__(
        self,
        drives: list[Drive],
        find_scopes: FindScopes,
        find_owner: Callable[[], JsonObject],
        faults: RequestFaults,
    ) -> None:
        self._drives = drives
        self._find_scopes = find_scopes
        self._faults = faults
        self.uploads = UploadSessions()
        self.page_size = 1000
        self._find_owner = find_owner

    def graph_app(self) -> Starlette:
        """Return the app of graph.microsoft.com, without the account's own path `/v1.0/me`."""
        return self._app(self._graph)

    def upload_app(self) -> Starlette:
        """Return the app of the host of upload URLs."""
        return self._app(self._upload)

    def download_app(self) -> Starlette:
        """Return the app of the host of download URLs."""
        return self._app(self._download)

    def _app(self, handler: Handler) -> Starlette:
        async def serve(request: Request) -> Response:
            fault = await self._faults.meet(request.method, _path(request))
            if fault is not None:
                return fault
            try:
                return await handler(request)
            except GraphError as error:
                return error_response(error)
            except ClientDisconnect:
                # a range that broke off has no effect; nobody reads the answer
                return Response(status_code=400)

        return Starlette(routes=[Route("/{path:path}", serve, methods=METHODS)])

    async def _graph(self, request: Request) -> Response:
        self._check_token(request)
        path = _path(request).rstrip("/")
        if path == "/v1.0/me/drives":
            return JSONResponse({"value": [self._drive_body(each) for each in self._drives]})
        if path == "/v1.0/me/drive":
            return JSONResponse(self._drive_body(self._find_drive("")))
        if path.startswith("/v1.0/drives/") and path.count("/") == 3:
            return JSONResponse(self._drive_body(self._find_drive(path.rpartition("/")[2])))
        address = parse_address(_path(request))
        if address is None:
            raise GraphError(400, "BadRequest", f"Resource not found for the segment {path}.")
        return await self._item(request, address)

    async def _item(self, request: Request, address: ItemAddress) -> Response:
        drive = self._find_drive(address.drive_id)
        match request.method, address.operation:
            case "PUT", "content":
                parent, name = self._new_place(drive, address)
                item = drive.put_file(parent, name, await request.body())
                return JSONResponse(item_body(drive, item), 201)
            case "POST", "createUploadSession":
                return await self._create_upload(request, drive, address)
            case _:
                item = drive.find(address.item_id, address.path)
        match request.method, address.operation:
            case "GET", "":
                return JSONResponse(item_body(drive, item))
            case "GET", "children":
                return self._children(request, drive, item)
            case "GET", "content":
                return RedirectResponse(download_url(item), 302)
            case "POST", "children":
                name = str((await _read_json(request)).get("name", ""))
                return JSONResponse(item_body(drive, drive.create_folder(item, name)), 201)
            case "PATCH", "":
                return await self._update(request, drive, item)
            case "DELETE", "":
                drive.delete(item)
                return Response(status_code=204)
            case _:
                raise GraphError(405, "notSupported", "The operation is not supported.")

    def _children(self, request: Request, drive: Drive, folder: DriveItem) -> Response:
        query = dict(request.query_params)
        size = min(self.page_size, int(query.get("$top", self.page_size)))
        start = int(query.get("$skiptoken", 0))
        children = drive.children(folder)
        body: dict[str, JsonValue] = {
            "value": [item_body(drive, each) for each in children[start : start + size]]
        }
        if start + size < len(children):
            next_query = urlencode({**query, "$skiptoken": start + size})
            url = f"https://{GRAPH_HOST}{quote(_path(request))}?{next_query}"
            body["@odata.nextLink"] = url
        return JSONResponse(body)

    async def _create_upload(
        self, request: Request, drive: Drive, address: ItemAddress
    ) -> Response:
        parent, name = self._new_place(drive, address)
        item = _object((await _read_json(request)).get("item"))
        info = _object(item.get("fileSystemInfo"))
        key = self.uploads.create(UploadSession(drive, parent, name, dict(info)))
        return JSONResponse({"uploadUrl": f"https://{UPLOAD_HOST}/rup/{key}"})

    async def _update(self, request: Request, drive: Drive, item: DriveItem) -> Response:
        body = await _read_json(request)
        parent = _object(body.get("parentReference")).get("id")
        folder = drive.find(str(parent)) if parent else item.parent
        if folder is not None and ("name" in body or parent):
            drive.rename(item, str(body.get("name", item.name)), folder)
        item.file_system_info |= _object(body.get("fileSystemInfo"))
        return JSONResponse(item_body(drive, item))

    async def _upload(self, request: Request) -> Response:
        """Answer a request to an upload URL, which needs no token."""
        key = _path(request).rpartition("/")[2]
        if request.method == "DELETE":
            self.uploads.cancel(key)
            return Response(status_code=204)
        if request.method == "PUT":
            range_header = request.headers.get("content-range", "")
            item = self.uploads.add(key, range_header, await request.body())
            if item is not None:
                drive = next(each for each in self._drives if item.id in each.items)
                return JSONResponse(item_body(drive, item), 201)
        received = self.uploads.find(key).received
        return JSONResponse({"nextExpectedRanges": [f"{received}-"]}, 202)

    async def _download(self, request: Request) -> Response:
        """Send the content of a file; the URL is its own permission."""
        item_id = _path(request).rpartition("/")[2]
        for drive in self._drives:
            item = drive.items.get(item_id)
            if item is not None and item.content is not None:
                return _content_response(item.content, request.headers.get("range", ""))
        raise GraphError(404, "itemNotFound", "The resource could not be found.")

    def _check_token(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        scopes = self._find_scopes(token)
        if scopes is None:
            message = "Lifetime validation failed, the token is expired."
            raise GraphError(401, "InvalidAuthenticationToken", message)
        if not scopes & (READ_SCOPES if request.method == "GET" else WRITE_SCOPES):
            raise GraphError(403, "accessDenied", "The token lacks a scope.")

    def _find_drive(self, drive_id: str) -> Drive:
        for drive in self._drives:
            if not drive_id or drive.id.lower() == drive_id.lower():
                return drive
        raise GraphError(404, "itemNotFound", "The account has no such drive.")

    def _new_place(self, drive: Drive, address: ItemAddress) -> tuple[DriveItem, str]:
        """Return the folder and the name of a file that is to be written. Raises GraphError."""
        if not address.path:
            item = drive.find(address.item_id)
            if item.parent is None or item.content is None:
                raise GraphError(400, "invalidRequest", "A folder has no content.")
            return item.parent, item.name
        folder, _, name = address.path.rpartition("/")
        base = drive.find(address.item_id)
        return (drive.find(base.id, folder) if folder else base), name

    def _drive_body(self, drive: Drive) -> dict[str, JsonValue]:
        used = drive.used_bytes()
        return {
            "id": drive.id,
            "name": drive.name,
            "driveType": drive.drive_type,
            "owner": {"user": dict(self._find_owner())},
            "quota": {
                "total": QUOTA_BYTES,
                "used": used,
                "remaining": QUOTA_BYTES - used,
                "deleted": 0,
                "state": "normal",
            },
        }


def item_body(drive: Drive, item: DriveItem) -> dict[str, JsonValue]:
    """Return an item as Graph shows it."""
    body: dict[str, JsonValue] = {
        "id": item.id,
        "name": item.name,
        "size": item.size,
        "createdDateTime": item.modified,
        "lastModifiedDateTime": item.modified,
        "fileSystemInfo": {
            "createdDateTime": item.modified,
            "lastModifiedDateTime": item.modified,
            **item.file_system_info,
        },
        "parentReference": _parent_body(drive, item),
    }
    if item.content is None:
        body["folder"] = {"childCount": len(drive.children(item))}
    else:
        body["file"] = {
            "mimeType": "application/octet-stream",
            "hashes": {"quickXorHash": item.content_hash},
        }
        body["@microsoft.graph.downloadUrl"] = download_url(item)
    if item.parent is None:
        body["root"] = {}
    return body


def _parent_body(drive: Drive, item: DriveItem) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {"driveId": drive.id, "driveType": drive.drive_type}
    if item.parent is not None:
        path = f"/drives/{drive.id}/root:/{quote(item.parent.path)}".rstrip("/")
        body |= {"id": item.parent.id, "path": path}
    return body


def download_url(item: DriveItem) -> str:
    """Return the URL from which anybody may read a file's content."""
    return f"https://{DOWNLOAD_HOST}/y4m/{quote(item.id)}"


def error_response(error: GraphError) -> Response:
    """Return the answer to a request that failed."""
    body = {"error": {"code": error.code, "message": str(error), "innerError": {}}}
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="", error="invalid_token"'
    return JSONResponse(body, error.status, headers)


def _path(request: Request) -> str:
    # `request.url.path` has `#` and `?` of a name still encoded
    return str(request.scope["path"])


async def _read_json(request: Request) -> JsonObject:
    return _object(json.loads(await request.body() or b"{}"))


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return cast("Mapping[str, JsonValue]", value) if isinstance(value, Mapping) else {}


def _content_response(content: bytes, range_header: str) -> Response:
    unit, _, span = range_header.partition("=")
    first, _, last = span.partition("-")
    if unit != "bytes" or not first:
        return Response(content, headers={"Accept-Ranges": "bytes"})
    start, stop = int(first), min(int(last) + 1 if last else len(content), len(content))
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
    return Response(content[start:stop], 206, headers)
