"""`activity.json`: a project's sessions with a running turn."""

from collections.abc import Sequence
from datetime import datetime

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.events import OpenSession
from xo_cowork_core.services.projects.records import (
    Record,
    as_records,
    load_for_change,
    read_record,
    text_of,
    write_record,
)
from xo_cowork_core.services.projects.timeline import append_events, new_event
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "activity.json"


def write_activity(xo: FolderHandle, sessions: Sequence[OpenSession], now: datetime) -> None:
    """Write the open sessions."""
    record = load_for_change(xo, FILE)
    rows = [session_record(session) for session in sessions]
    changed: Record = {"schema": 1, "updated_at": stamp(now), "open_sessions": rows}
    write_record(xo, FILE, {**record, **changed}, durable=False)


def has_open_sessions(xo: FolderHandle) -> bool:
    """Return whether the file lists open sessions."""
    return bool(as_records((read_record(xo, FILE) or {}).get("open_sessions")))


def close_interrupted_sessions(
    xo: FolderHandle, sessions: Sequence[OpenSession], now: datetime
) -> None:
    """Record the end of the sessions that a killed server left open; `sessions` are open now."""
    open_ids = {session.session_id for session in sessions}
    rows = as_records((read_record(xo, FILE) or {}).get("open_sessions"))
    interrupted = [row for row in rows if text_of(row, "session_id") not in open_ids]
    ends = {"finish_reason": "error", "error_code": "restart"}
    append_events(
        xo,
        [
            new_event(
                "session.ended", now, text_of(row, "session_id"), text_of(row, "runtime"), **ends
            )
            for row in interrupted
        ],
    )
    write_activity(xo, sessions, now)


def session_record(session: OpenSession) -> Record:
    """Return a session's record, as the file and the API have it."""
    return {
        "session_id": session.session_id,
        "runtime": session.runtime,
        "agent": session.agent,
        "opened_at": stamp(session.opened_at),
        "last_activity_at": stamp(session.last_activity_at),
    }
