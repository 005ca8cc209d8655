"""Sessions and messages (contract §3)."""

from typing import Annotated

from fastapi import Body as JsonBody
from fastapi import Query, Request
from fastapi.responses import PlainTextResponse

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.files.file_response import attachment_header
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import OkResponse, Unvalidated, response_example
from xo_cowork_core.api.pagination import Number, page_number
from xo_cowork_core.api.sessions import INDEX_PATH, SESSION_PATH, SESSIONS_PATH, schemas
from xo_cowork_core.api.sessions.examples import MESSAGES, SESSION
from xo_cowork_core.api.sessions.serializers import message_row, session_row
from xo_cowork_core.api.wire_style import wire_style_of
from xo_cowork_core.services.index.index import Progress
from xo_cowork_core.services.index.snippets import plain_text
from xo_cowork_core.services.sessions import details

MAX_ROWS = 500
router = lazy_router()
Text = Annotated[str | None, Query()]


@router.get(
    SESSIONS_PATH,
    responses=response_example({"total": 1, "offset": 0, "sessions": [SESSION]}),
)
async def list_sessions(
    request: Request,
    services: ServicesDep,
    limit: Number = None,
    offset: Number = None,
    agent_name: Text = None,
    agent_id: Text = None,
) -> Unvalidated[schemas.SessionPage | list[schemas.SessionRow]]:
    """List all runtimes' sessions, newest first."""
    style = wire_style_of(request, services.wire_style)
    count = min(page_number(limit, "limit", 50, least=1), MAX_ROWS)
    start = page_number(offset, "offset", 0, least=0)
    total, page = await services.sessions.list(
        agent_name=agent_name or None, agent_id=agent_id or None, limit=count, offset=start
    )
    rows = [session_row(session) for session in page]
    return rows if style == "spa" else {"total": total, "offset": start, "sessions": rows}


@router.post(SESSIONS_PATH)
async def create_session(
    services: ServicesDep,
    body: Annotated[
        schemas.NewSessionRequest | None, JsonBody(examples=[{"title": "Plan the week"}])
    ] = None,
) -> schemas.ReservedSession:
    """Reserve a session id that a first prompt may use."""
    wanted = body or schemas.NewSessionRequest()
    session = await services.reservations.reserve(
        title=wanted.title,
        agent_name=wanted.agent_name or None,
        agent_id=wanted.agent_id or None,
        directory=wanted.directory or None,
    )
    return schemas.ReservedSession(
        id=session.session_id, session_id=session.session_id, title=session.title
    )


@router.get(
    SESSIONS_PATH + "/search",
    responses=response_example(
        {
            "total": 1,
            "offset": 0,
            "sessions": [{**SESSION, "snippet": "Say <mark>hello</mark>"}],
        }
    ),
)
async def search_sessions(
    request: Request,
    services: ServicesDep,
    q: Text = None,
    limit: Number = None,
    offset: Number = None,
) -> Unvalidated[schemas.SessionSearchPage | list[schemas.SessionHit]]:
    """Search titles and the full text of all runtimes' messages, best match first. Without a text,
    return all sessions, newest first."""
    style = wire_style_of(request, services.wire_style)
    count = min(page_number(limit, "limit", 50, least=1), MAX_ROWS)
    start = page_number(offset, "offset", 0, least=0)
    total, hits = await services.sessions.search(q or "", limit=count, offset=start)
    if style == "spa":
        # this client prints a snippet as it is
        return [
            {
                "session": session_row(hit.session),
                "snippet": plain_text(hit.snippet) if hit.snippet else None,
            }
            for hit in hits
        ]
    rows: list[schemas.SessionMatch] = [
        {**session_row(hit.session), "snippet": hit.snippet} for hit in hits
    ]
    return {"total": total, "offset": start, "sessions": rows}


@router.get(SESSION_PATH, responses=response_example(SESSION))
async def read_session(session_id: str, services: ServicesDep) -> Unvalidated[schemas.SessionRow]:
    """Return one session's row."""
    return session_row(await services.sessions.read(session_id))


@router.patch(SESSION_PATH, responses=response_example({**SESSION, "ok": True}))
async def change_session(
    session_id: str, body: schemas.SessionPatchRequest, services: ServicesDep
) -> Unvalidated[schemas.ChangedSession]:
    """Rename, pin or move a session."""
    session = await services.changes.update(
        session_id, title=body.title, directory=body.directory, is_pinned=body.is_pinned
    )
    return {**session_row(session), "ok": True}


@router.delete(SESSION_PATH)
async def delete_session(session_id: str, services: ServicesDep) -> OkResponse:
    """Delete a session; its files stay in the trash for 30 days."""
    await services.changes.delete(session_id)
    return OkResponse(ok=True)


@router.get(SESSION_PATH + "/todos", responses=response_example({"todos": []}))
async def list_todos(session_id: str, services: ServicesDep) -> Unvalidated[schemas.SessionTodos]:
    """Return the last task list that the agent wrote."""
    return {"todos": [*details.todos_of(await services.sessions.all_messages(session_id))]}


@router.get(SESSION_PATH + "/files", responses=response_example({"files": []}))
async def list_files(session_id: str, services: ServicesDep) -> Unvalidated[schemas.SessionFiles]:
    """Return the files that the session's tools touched or that came with prompts."""
    session = await services.sessions.read(session_id)
    messages = await services.sessions.all_messages(session_id)
    files = details.files_of(messages, session.directory or services.project_roots.default)
    return {
        "files": [
            {"name": file.name, "path": file.path, "type": file.type, "tool": file.tool}
            for file in files
        ]
    }


@router.get(
    SESSION_PATH + "/export-md",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/markdown": {"example": "# Say hello\n"}}}},
)
async def export_markdown(session_id: str, services: ServicesDep) -> PlainTextResponse:
    """Return the conversation as Markdown, as an attachment."""
    session = await services.sessions.read(session_id)
    text = details.markdown_of(session.title, await services.sessions.all_messages(session_id))
    headers = {"Content-Disposition": attachment_header(f"session-{session_id}.md")}
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.get(
    "/api/messages/{session_id}",
    responses=response_example({"total": 2, "offset": 0, "messages": MESSAGES}),
)
async def list_messages(
    session_id: str, services: ServicesDep, limit: Number = None, offset: Number = None
) -> Unvalidated[schemas.MessagePage]:
    """Return a page of a session's messages, oldest first; offset -1 is the newest page."""
    count = min(page_number(limit, "limit", 50, least=1), MAX_ROWS)
    start = page_number(offset, "offset", -1, least=-1)
    page = await services.sessions.messages(session_id, limit=count, offset=start)
    rows = [message_row(message, session_id) for message in page.messages]
    return {"total": page.total, "offset": page.offset, "messages": rows}


@router.get(INDEX_PATH)
async def read_index_state(workspace: str, services: ServicesDep) -> schemas.IndexProgress:
    """Return the state of the index; `workspace` is a project's path or id, or `all`."""
    return _index_progress(await services.index.progress(workspace))


@router.post(INDEX_PATH)
async def rescan_index(workspace: str, services: ServicesDep) -> schemas.IndexProgress:
    """Request a scan of all runtimes' sessions for changes."""
    services.index.request_scan()
    return _index_progress(await services.index.progress(workspace))


def _index_progress(progress: Progress) -> schemas.IndexProgress:
    return schemas.IndexProgress(
        status="indexing" if progress.running else "idle",
        progress=progress.percent,
        sessions=progress.sessions,
        messages=progress.messages,
    )
