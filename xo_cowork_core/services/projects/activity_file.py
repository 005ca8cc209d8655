"""`activity.json`: the sessions with a running turn."""

from collections.abc import Sequence
from datetime import datetime

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.events import OpenSession
from xo_cowork_core.services.projects.records import (
    Record,
    as_records,
    read_record,
    record_to_change,
    text_of,
    write_record,
)
from xo_cowork_core.services.projects.timeline import append_events, event
from xo_cowork_core.storage.folder_handle import FolderHandle

FILE = "activity.json"


def write_activity(xo: FolderHandle, sessions: Sequence[OpenSession], now: datetime) -> None:
    """Say which sessions are open."""
    record = record_to_change(xo, FILE)
    rows = [open_row(session) for session in sessions]
    changed: Record = {"schema": 1, "updated_at": stamp(now), "open_sessions": rows}
    write_record(xo, FILE, {**record, **changed}, durable=False)


def names_sessions(xo: FolderHandle) -> bool:
    """Say whether the file has sessions as open."""
    return bool(as_records((read_record(xo, FILE) or {}).get("open_sessions")))


def close_cut_sessions(xo: FolderHandle, sessions: Sequence[OpenSession], now: datetime) -> None:
    """End the sessions that a server which is gone left open; `sessions` are truly open."""
    there = {session.session_id for session in sessions}
    rows = as_records((read_record(xo, FILE) or {}).get("open_sessions"))
    cut = [row for row in rows if text_of(row, "session_id") not in there]
    ends = {"finish_reason": "error", "error_code": "restart"}
    append_events(
        xo,
        [
            event("session.ended", now, text_of(row, "session_id"), text_of(row, "runtime"), **ends)
            for row in cut
        ],
    )
    write_activity(xo, sessions, now)


def open_row(session: OpenSession) -> Record:
    """Return a session as the file and the wire have it."""
    return {
        "session_id": session.session_id,
        "runtime": session.runtime,
        "agent": session.agent,
        "opened_at": stamp(session.opened_at),
        "last_activity_at": stamp(session.last_activity_at),
    }
