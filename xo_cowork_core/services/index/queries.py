"""Queries of the index. Every function runs on a reader's connection."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

COLUMNS = (
    "session_id, agent_name, agent_id, directory, title, time_created, time_updated,"
    " message_count, is_pinned"
)


class Session(NamedTuple):
    """One session's row. Its turns run in `directory`, where it has one. `reserved`: it had no turn
    yet."""

    session_id: str
    agent_name: str
    agent_id: str | None
    directory: str | None
    title: str
    time_created: datetime
    time_updated: datetime
    message_count: int = 0
    is_pinned: bool = False
    reserved: bool = False


def session_of(row: Sequence[object]) -> Session:
    """Convert a row with `COLUMNS`."""
    session_id, agent_name, agent_id, directory, title, created, updated, count, pinned = row
    return Session(
        session_id=str(session_id),
        agent_name=str(agent_name),
        agent_id=str(agent_id) if agent_id else None,
        directory=str(directory) if directory else None,
        title=str(title),
        time_created=datetime.fromisoformat(str(created)),
        time_updated=datetime.fromisoformat(str(updated)),
        message_count=int(str(count)),
        is_pinned=bool(pinned),
    )


def all_times(connection: sqlite3.Connection) -> dict[str, str]:
    """Return `time_updated` of each session."""
    return dict(connection.execute("SELECT session_id, time_updated FROM sessions"))


def sessions_page(
    connection: sqlite3.Connection,
    *,
    agent_name: str | None,
    agent_id: str | None,
    limit: int,
    offset: int,
) -> tuple[int, list[Session]]:
    """Return the number of visible sessions that match, and a page of them, newest first."""
    where, values = "hidden = 0", list[object]()
    if agent_name:
        where, values = f"{where} AND agent_name = ?", [*values, agent_name]
    if agent_id:
        where, values = f"{where} AND agent_id = ?", [*values, agent_id]
    total = connection.execute(
        f"SELECT COUNT(*) FROM sessions WHERE {where}",  # noqa: S608
        values,
    ).fetchone()[0]
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM sessions WHERE {where}"  # noqa: S608
        " ORDER BY time_updated DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
    )
    return total, [session_of(row) for row in rows]


def dirty_projects(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the projects whose sessions or sums changed, with the mark of the last change."""
    return dict(connection.execute("SELECT agent_id, mark FROM dirty_projects"))


def one_session(connection: sqlite3.Connection, session_id: str) -> Session | None:
    """Find a visible session."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM sessions WHERE session_id = ? AND hidden = 0",  # noqa: S608
        (session_id,),
    ).fetchone()
    return session_of(row) if row else None


class StoredRecord(NamedTuple):
    """What is indexed of a session in a runtime's store; see `SessionRow.record_digest`."""

    agent_name: str
    record_digest: bytes


def stored_records(
    connection: sqlite3.Connection, session_ids: Sequence[str]
) -> dict[str, StoredRecord]:
    """Return what is indexed of each session that is indexed, by session id."""
    records: dict[str, StoredRecord] = {}
    for start in range(0, len(session_ids), 500):
        part = session_ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = connection.execute(
            "SELECT session_id, agent_name, record_digest FROM sessions"  # noqa: S608
            f" WHERE session_id IN ({marks})",
            part,
        )
        records.update((row[0], StoredRecord(*row[1:])) for row in rows)
    return records


def paths_of(connection: sqlite3.Connection, session_id: str) -> list[str]:
    """Return the files that hold a session, its owner first."""
    rows = connection.execute(
        "SELECT path FROM files WHERE session_id = ? ORDER BY last DESC, path", (session_id,)
    )
    return [row[0] for row in rows]


class Label(NamedTuple):
    """A session's title and times."""

    title: str
    time_created: str
    time_updated: str


def labels_of(connection: sqlite3.Connection, session_ids: Sequence[str]) -> dict[str, Label]:
    """Return the labels of the sessions that are indexed, by session id."""
    labels: dict[str, Label] = {}
    for start in range(0, len(session_ids), 500):
        batch = session_ids[start : start + 500]
        placeholders = ",".join("?" * len(batch))
        columns = "session_id, title, time_created, time_updated"
        rows = connection.execute(
            f"SELECT {columns} FROM sessions WHERE session_id IN ({placeholders})",  # noqa: S608
            batch,
        )
        labels.update({row[0]: Label(*row[1:]) for row in rows})
    return labels
