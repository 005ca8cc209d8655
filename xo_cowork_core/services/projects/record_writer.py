"""Enters facts into the files of `.xo`."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from xo_cowork_core.services.projects.activity_file import write_activity
from xo_cowork_core.services.projects.events import (
    FileWritten,
    OpenSession,
    ProjectEvent,
    SessionEnded,
    SessionOpened,
    TodosSaid,
)
from xo_cowork_core.services.projects.project_stats import ProjectFigures
from xo_cowork_core.services.projects.records import Record, text_of
from xo_cowork_core.services.projects.sessions_file import Relative, note_sessions
from xo_cowork_core.services.projects.stats_file import write_stats
from xo_cowork_core.services.projects.timeline import append_events, event, read_page
from xo_cowork_core.services.projects.todo_file import open_list, replace_session, save_list
from xo_cowork_core.storage.folder_handle import FolderHandle

LOOK_BACK = 500
FILE_EVENTS = frozenset({"file.created", "file.edited"})


def enter(
    xo: FolderHandle,
    project_id: str,
    facts: Sequence[ProjectEvent],
    sessions: Sequence[OpenSession],
    now: datetime,
    *,
    numbers: ProjectFigures | None,
    relative: Relative,
) -> None:
    """Write what happened, what the index counted, and which sessions are open now.

    Blocks; the caller holds the lock.
    """
    append_events(xo, list(_events(xo, facts, now)))
    note_sessions(xo, project_id, facts, numbers, relative)
    write_stats(xo, facts, numbers, now)
    write_activity(xo, sessions, now)


def _events(xo: FolderHandle, facts: Sequence[ProjectEvent], now: datetime) -> Iterator[Record]:
    wrote = any(isinstance(fact, FileWritten) for fact in facts)
    known = _known_files(xo) if wrote else set[str]()
    todos = _todo_events(xo, facts, now)
    for fact in facts:
        match fact:
            case SessionOpened():
                yield _event("session.started", fact, resumed=fact.resumed)
            case SessionEnded():
                yield _ended(fact)
            case FileWritten():
                # where the tool did not say: new, unless a turn wrote it before
                new = fact.created if fact.created is not None else fact.path not in known
                known.add(fact.path)
                yield _event("file.created" if new else "file.edited", fact, path=fact.path)
            case TodosSaid():
                yield from todos.pop(0)
            case _:
                pass


def _ended(fact: SessionEnded) -> Record:
    return _event(
        "session.ended",
        fact,
        finish_reason=fact.finish_reason,
        error_code=fact.error_code,
        tokens=fact.tokens.data(),
        cost=fact.cost,
        duration_seconds=round(fact.seconds, 3),
    )


def _todo_events(
    xo: FolderHandle, facts: Sequence[ProjectEvent], now: datetime
) -> list[list[Record]]:
    """Enter the task lists, and return the events of each."""
    said = [fact for fact in facts if isinstance(fact, TodosSaid)]
    if not said:
        return []
    record = open_list(xo)
    events: list[list[Record]] = []
    for fact in said:
        added, done = replace_session(record, fact.session_id, fact.runtime, fact.items)
        changes = [("todo.added", content) for content in added]
        changes += [("todo.completed", content) for content in done]
        events.append([_event(kind, fact, content=content) for kind, content in changes])
    save_list(xo, record, now, durable=False)
    return events


def _known_files(xo: FolderHandle) -> set[str]:
    page = read_page(xo, None, LOOK_BACK)
    return {text_of(one, "path") for one in page.events if one["type"] in FILE_EVENTS}


def _event(kind: str, fact: ProjectEvent, **fields: object) -> Record:
    return event(kind, fact.moment, fact.session_id, fact.runtime, **fields)
