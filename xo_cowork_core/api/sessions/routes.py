"""Sessions and messages (contract §3)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi import Body as JsonBody
from fastapi.responses import PlainTextResponse
from pydantic import Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.files.file_response import attachment
from xo_cowork_core.api.models import OkResponse, RequestModel, ResponseModel
from xo_cowork_core.api.pagination import Number, page_number
from xo_cowork_core.api.route_family import RouteFamily
from xo_cowork_core.api.sessions import schemas as shapes
from xo_cowork_core.api.sessions.serializers import message_row, session_row, style_of
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.index.index import Progress
from xo_cowork_core.services.sessions import details

router = APIRouter()
FAMILY = RouteFamily(
    name="sessions",
    description="Sessions of all runtimes, their messages and the search in both.",
    router=router,
    prefixes=("/api/sessions", "/api/messages", "/api/fts"),
)
MOST = 500
Row = dict[str, Any]
Text = Annotated[str | None, Query()]


class NewSession(RequestModel):
    """What a reserved session is to be; all optional."""

    title: str | None = Field(default=None, examples=["Plan the week"])
    agent_name: str | None = None
    agent_id: str | None = None
    directory: str | None = None


class ReservedBody(ResponseModel):
    """An id that the first prompt may use."""

    id: str = Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])
    session_id: str = Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])
    title: str = Field(examples=["Plan the week"])


class SessionPatch(RequestModel):
    """What to set; one of them is needed. `directory` "." means none."""

    title: str | None = Field(default=None, examples=["Plan the week"])
    is_pinned: bool | None = None
    directory: str | None = None


def _example(value: Any) -> dict[int | str, Row]:
    return {200: {"content": {"application/json": {"example": value}}}}


@router.get(
    "/api/sessions",
    responses=shapes.answer(
        shapes.SessionPage | list[shapes.SessionRow],
        {"total": 1, "offset": 0, "sessions": [shapes.SESSION]},
    ),
)
async def list_sessions(
    request: Request,
    services: ServicesDep,
    limit: Number = None,
    offset: Number = None,
    agent_name: Text = None,
    agent_id: Text = None,
) -> Row | list[Row]:
    """List all runtimes' sessions, newest first."""
    style = style_of(request, services.wire_style)
    most = min(page_number(limit, "limit", 50, least=1), MOST)
    start = page_number(offset, "offset", 0, least=0)
    total, found = await services.sessions.list(
        agent_name=agent_name or None, agent_id=agent_id or None, limit=most, offset=start
    )
    rows = [session_row(session) for session in found]
    return rows if style == "spa" else {"total": total, "offset": start, "sessions": rows}


@router.post("/api/sessions")
async def create_session(
    services: ServicesDep,
    body: Annotated[NewSession | None, JsonBody(examples=[{"title": "Plan the week"}])] = None,
) -> ReservedBody:
    """Reserve a session, which its first prompt may use."""
    wanted = body or NewSession()
    made = await services.reservations.reserve(
        title=wanted.title,
        agent_name=wanted.agent_name or None,
        agent_id=wanted.agent_id or None,
        directory=wanted.directory or None,
    )
    return ReservedBody(id=made.session_id, session_id=made.session_id, title=made.title)


@router.get(
    "/api/sessions/search",
    responses=shapes.answer(
        shapes.FoundPage | list[shapes.SessionHit],
        {
            "total": 1,
            "offset": 0,
            "sessions": [{**shapes.SESSION, "snippet": "Say <mark>hello</mark>"}],
        },
    ),
)
async def search_sessions(
    request: Request,
    services: ServicesDep,
    q: Text = None,
    limit: Number = None,
    offset: Number = None,
) -> Row | list[Row]:
    """Search titles and the full text of all runtimes' messages, best first."""
    style = style_of(request, services.wire_style)
    if not q or not q.strip():
        raise BadRequest("`q` is missing")
    most = min(page_number(limit, "limit", 50, least=1), MOST)
    start = page_number(offset, "offset", 0, least=0)
    total, hits = await services.sessions.search(q, limit=most, offset=start)
    if style == "spa":
        return [{"session": session_row(hit.session), "snippet": hit.snippet} for hit in hits]
    rows = [{**session_row(hit.session), "snippet": hit.snippet} for hit in hits]
    return {"total": total, "offset": start, "sessions": rows}


@router.get(
    "/api/sessions/{session_id}",
    responses=shapes.answer(shapes.SessionRow, shapes.SESSION),
)
async def read_session(session_id: str, services: ServicesDep) -> Row:
    """Return one session's row."""
    return session_row(await services.sessions.read(session_id))


@router.patch(
    "/api/sessions/{session_id}",
    responses=shapes.answer(shapes.ChangedSession, {**shapes.SESSION, "ok": True}),
)
async def change_session(session_id: str, body: SessionPatch, services: ServicesDep) -> Row:
    """Rename, pin or move a session."""
    session = await services.changes.patch(
        session_id, title=body.title, directory=body.directory, is_pinned=body.is_pinned
    )
    return {**session_row(session), "ok": True}


@router.delete("/api/sessions/{session_id}")
async def delete_session(session_id: str, services: ServicesDep) -> OkResponse:
    """Delete a session; its files stay in the trash for 30 days."""
    await services.changes.delete(session_id)
    return OkResponse()


@router.get("/api/sessions/{session_id}/todos", responses=_example({"todos": []}))
async def list_todos(session_id: str, services: ServicesDep) -> Row:
    """Return the last task list that the agent wrote."""
    return {"todos": details.todos_of(await services.sessions.all_messages(session_id))}


@router.get("/api/sessions/{session_id}/files", responses=_example({"files": []}))
async def list_files(session_id: str, services: ServicesDep) -> Row:
    """Return the files that the session's tools touched or that came with prompts."""
    files = details.files_of(await services.sessions.all_messages(session_id))
    return {
        "files": [
            {"name": file.name, "path": file.path, "type": file.type, "tool": file.tool}
            for file in files
        ]
    }


@router.get(
    "/api/sessions/{session_id}/export-md",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/markdown": {"example": "# Say hello\n"}}}},
)
async def export_markdown(session_id: str, services: ServicesDep) -> PlainTextResponse:
    """Return the conversation as Markdown, as an attachment."""
    session = await services.sessions.read(session_id)
    text = details.markdown_of(session.title, await services.sessions.all_messages(session_id))
    headers = {"Content-Disposition": attachment(f"session-{session_id}.md")}
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.get(
    "/api/messages/{session_id}",
    responses=shapes.answer(
        shapes.MessagePage, {"total": 2, "offset": 0, "messages": shapes.MESSAGES}
    ),
)
async def list_messages(
    session_id: str, services: ServicesDep, limit: Number = None, offset: Number = None
) -> Row:
    """Return a page of a session's messages, oldest first; offset -1 is the newest page."""
    most = min(page_number(limit, "limit", 50, least=1), MOST)
    start = page_number(offset, "offset", -1, least=-1)
    page = await services.sessions.messages(session_id, limit=most, offset=start)
    rows = [message_row(message, session_id) for message in page.messages]
    return {"total": page.total, "offset": page.offset, "messages": rows}


class IndexBody(ResponseModel):
    """How far the index of sessions is. `progress` is a percentage."""

    status: Literal["idle", "indexing"]
    progress: int = Field(examples=[100])
    sessions: int = Field(examples=[12])
    messages: int = Field(examples=[340])


@router.get("/api/fts/index/{workspace:path}")
async def read_index_state(workspace: str, services: ServicesDep) -> IndexBody:
    """Say how far the index is; `workspace` is a project's path or id, or `all`."""
    return _index_body(await services.index.progress(workspace))


@router.post("/api/fts/index/{workspace:path}")
async def rescan_index(workspace: str, services: ServicesDep) -> IndexBody:
    """Look for changes in all runtimes' sessions now."""
    services.index.request_scan()
    return _index_body(await services.index.progress(workspace))


def _index_body(found: Progress) -> IndexBody:
    return IndexBody(
        status="indexing" if found.running else "idle",
        progress=found.percent,
        sessions=found.sessions,
        messages=found.messages,
    )
