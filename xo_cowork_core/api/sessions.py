"""Sessions and messages (contract §3)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from xo_cowork_core.api.wire import message_row, session_row, style_of
from xo_cowork_core.api.wired import Wired
from xo_cowork_core.sdk import BadRequest

router = APIRouter(tags=["sessions"])
MOST = 500
Row = dict[str, Any]
ROW_EXAMPLE: Row = {
    "id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "session_id": "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52",
    "title": "Say hello",
    "agent_name": "demo",
    "message_count": 2,
    "time_updated": "2026-11-24T08:00:00.000+00:00",
}
MESSAGE_EXAMPLE: Row = {
    "id": "5f0c2a0e-u",
    "role": "user",
    "text": "Say hello",
    "tool_calls": [],
    "data": {"role": "user"},
    "parts": [{"id": "5f0c2a0e-u_p0", "data": {"type": "text", "text": "Say hello"}}],
}


def _example(value: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": value}}}}


def page_number(text: str | None, name: str, default: int, *, least: int) -> int:
    """Read a query number; anything but a whole number from `least` up is a BadRequest."""
    if text is None or text == "":
        return default
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise BadRequest(f"`{name}` must be a whole number from {least} up")
    return number


@router.get(
    "/api/sessions",
    responses=_example({"total": 1, "offset": 0, "sessions": [ROW_EXAMPLE]}),
)
async def list_sessions(
    request: Request,
    services: Wired,
    limit: Annotated[str | None, Query()] = None,
    offset: Annotated[str | None, Query()] = None,
    agent_name: Annotated[str | None, Query()] = None,
    agent_id: Annotated[str | None, Query()] = None,
) -> Row | list[Row]:
    """List all runtimes' sessions, newest first."""
    style = style_of(request, services.wire_style)
    most = min(page_number(limit, "limit", 50, least=1), MOST)
    start = page_number(offset, "offset", 0, least=0)
    found = await services.sessions.list(agent_name=agent_name or None, agent_id=agent_id or None)
    rows = [session_row(session) for session in found[start : start + most]]
    return rows if style == "spa" else {"total": len(found), "offset": start, "sessions": rows}


@router.get("/api/sessions/{session_id}", responses=_example(ROW_EXAMPLE))
async def read_session(session_id: str, services: Wired) -> Row:
    """Return one session's row."""
    return session_row(await services.sessions.read(session_id))


@router.get(
    "/api/messages/{session_id}",
    responses=_example({"total": 1, "offset": 0, "messages": [MESSAGE_EXAMPLE]}),
)
async def list_messages(
    session_id: str,
    services: Wired,
    limit: Annotated[str | None, Query()] = None,
    offset: Annotated[str | None, Query()] = None,
) -> Row:
    """Return a page of a session's messages, oldest first; offset -1 is the newest page."""
    most = min(page_number(limit, "limit", 50, least=1), MOST)
    start = page_number(offset, "offset", -1, least=-1)
    page = await services.sessions.messages(session_id, limit=most, offset=start)
    rows = [message_row(message, session_id) for message in page.messages]
    return {"total": page.total, "offset": page.offset, "messages": rows}
