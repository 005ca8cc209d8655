"""`activity.json`: a project's sessions with a running turn."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from xo_cowork_core.sdk import XoError
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.projects.events import OpenSession
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
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
log = logging.getLogger("xo_cowork.projects")


def write_activity(xo: FolderHandle, sessions: Sequence[OpenSession], now: datetime) -> None:
    """Write the open sessions."""
    record = load_for_change(xo, FILE)
    rows = [session_record(session) for session in sessions]
    changed: Record = {"schema": 1, "updated_at": stamp(now), "open_sessions": rows}
    write_record(xo, FILE, {**record, **changed}, durable=False)


async def close_all_interrupted_sessions(
    files: ProjectFiles, clock: Clock, open_sessions: Callable[[str], Sequence[OpenSession]]
) -> None:
    """Close each recorded session that is not among its project's `open_sessions`.

    A project whose files cannot be read or changed keeps its record; a warning is logged.
    """
    try:
        project_ids = await files.run_reader(lambda: _projects_with_open_sessions(files))
    except XoError as error:
        log.warning("sessions of the last server could not be closed: %s", error.message)
        return
    for project_id in project_ids:

        def work(_: FolderHandle, xo: FolderHandle, name: str = project_id) -> None:
            _close_interrupted_sessions(xo, open_sessions(name), clock.now())

        try:
            await files.change(project_id, work)
        except XoError as error:
            log.warning(
                "the open sessions of project %s could not be closed: %s", project_id, error.message
            )


def session_record(session: OpenSession) -> Record:
    """Return a session's record, as the file and the API have it."""
    return {
        "session_id": session.session_id,
        "runtime": session.runtime,
        "agent": session.agent,
        "opened_at": stamp(session.opened_at),
        "last_activity_at": stamp(session.last_activity_at),
    }


def _projects_with_open_sessions(files: ProjectFiles) -> list[str]:
    project_ids: list[str] = []
    for project_id in files.project_ids():
        with (
            suppress(OSError, XoError),
            files.open_project(project_id) as project,
            open_existing(project, XO) as xo,
        ):
            if xo and _has_open_sessions(xo):
                project_ids.append(project_id)
    return project_ids


def _has_open_sessions(xo: FolderHandle) -> bool:
    """Return whether the file lists open sessions."""
    return bool(as_records((read_record(xo, FILE) or {}).get("open_sessions")))


def _close_interrupted_sessions(
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
