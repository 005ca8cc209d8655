"""Applies events and figures to the files of `.xo`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from xo_cowork_core.services.projects.activity_file import write_activity
from xo_cowork_core.services.projects.events import (
    FileWritten,
    OpenSession,
    ProjectEvent,
    SessionEnded,
    SessionStarted,
    TodoListUpdated,
)
from xo_cowork_core.services.projects.project_stats import ProjectFigures
from xo_cowork_core.services.projects.records import Record, text_of
from xo_cowork_core.services.projects.sessions_file import RelativePath, update_sessions
from xo_cowork_core.services.projects.stats_file import write_stats
from xo_cowork_core.services.projects.timeline import append_events, new_event, read_page
from xo_cowork_core.services.projects.todo_file import load_todos, replace_session_list, save_todos
from xo_cowork_core.storage.folder_handle import FolderHandle

MAX_KNOWN_EVENTS = 500
FILE_EVENTS = frozenset({"file.created", "file.edited"})


def apply(
    xo: FolderHandle,
    project_id: str,
    events: Sequence[ProjectEvent],
    sessions: Sequence[OpenSession],
    now: datetime,
    *,
    figures: ProjectFigures | None,
    relative_path: RelativePath,
) -> None:
    """Write the events, the index's figures if there are new ones, and the open sessions.

    Blocks; the caller holds the lock.
    """
    append_events(xo, list(_timeline_events(xo, events, now)))
    update_sessions(xo, project_id, events, figures, relative_path)
    write_stats(xo, events, figures, now)
    write_activity(xo, sessions, now)


def _timeline_events(
    xo: FolderHandle, events: Sequence[ProjectEvent], now: datetime
) -> Iterator[Record]:
    has_files = any(isinstance(event, FileWritten) for event in events)
    known_paths = _known_paths(xo) if has_files else set[str]()
    todo_events = _apply_todo_lists(xo, events, now)
    for event in events:
        match event:
            case SessionStarted():
                yield _timeline_event("session.started", event, resumed=event.resumed)
            case SessionEnded():
                yield _session_ended(event)
            case FileWritten():
                # where the tool does not report it: a file is new unless a turn wrote it before
                is_new = event.path not in known_paths if event.created is None else event.created
                known_paths.add(event.path)
                kind = "file.created" if is_new else "file.edited"
                yield _timeline_event(kind, event, path=event.path)
            case TodoListUpdated():
                yield from todo_events.pop(0)
            case _:
                pass


def _session_ended(event: SessionEnded) -> Record:
    return _timeline_event(
        "session.ended",
        event,
        finish_reason=event.finish_reason,
        error_code=event.error_code,
        tokens=event.tokens.data(),
        cost=event.cost,
        duration_seconds=round(event.seconds, 3),
    )


def _apply_todo_lists(
    xo: FolderHandle, events: Sequence[ProjectEvent], now: datetime
) -> list[list[Record]]:
    """Write the todo lists, and return the timeline events of each."""
    updates = [event for event in events if isinstance(event, TodoListUpdated)]
    if not updates:
        return []
    record = load_todos(xo)
    timeline_events: list[list[Record]] = []
    for event in updates:
        added, completed = replace_session_list(
            record, event.session_id, event.runtime, event.items
        )
        changes = [("todo.added", content) for content in added]
        changes += [("todo.completed", content) for content in completed]
        timeline_events.append(
            [_timeline_event(kind, event, content=content) for kind, content in changes]
        )
    save_todos(xo, record, now, durable=False)
    return timeline_events


def _known_paths(xo: FolderHandle) -> set[str]:
    page = read_page(xo, None, MAX_KNOWN_EVENTS)
    return {text_of(event, "path") for event in page.events if event["type"] in FILE_EVENTS}


def _timeline_event(kind: str, event: ProjectEvent, **fields: object) -> Record:
    return new_event(kind, event.moment, event.session_id, event.runtime, **fields)
