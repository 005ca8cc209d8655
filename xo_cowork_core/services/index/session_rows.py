"""Writes readings into the index. Every function runs inside the caller's transaction."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from xo_cowork_core.sdk import SessionRecord
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.index.message_rows import forget_messages, write_messages
from xo_cowork_core.services.index.transcript_readers import IndexedMessage, ParsedTranscript
from xo_cowork_core.services.index.usage_rows import forget_calls, write_calls
from xo_cowork_core.storage.jsonl import FileFingerprint

ProjectOf = Callable[[str | None], str | None]


@dataclass(frozen=True, slots=True)
class Flags:
    """What a person set on a session, over what its store says. None = not set; an empty
    `directory` means that it has none."""

    title: str | None = None
    directory: str | None = None
    agent_id: str | None = None
    is_pinned: bool = False
    hidden: bool = False


NO_FLAGS = Flags()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its store, or the host, tells it."""

    session_id: str
    agent_name: str
    directory: str | None
    title: str
    time_created: str
    time_updated: str
    message_count: int

    @classmethod
    def of(cls, record: SessionRecord, agent_name: str) -> "SessionRow":
        """Take a store's record."""
        return cls(
            record.session_id,
            agent_name,
            record.directory,
            record.title,
            stamp(record.time_created),
            stamp(record.time_updated),
            record.message_count,
        )


def known_files(connection: sqlite3.Connection) -> dict[str, FileFingerprint]:
    """Return what was indexed."""
    rows = connection.execute("SELECT path, inode, size, changed_ns FROM files")
    return {row[0]: FileFingerprint(*row[1:]) for row in rows}


def known_needs(connection: sqlite3.Connection) -> dict[str, Sequence[str]]:
    """Return what files go on from, where they do."""
    rows = connection.execute("SELECT path, needs FROM files WHERE needs <> ''")
    return {path: needs.split("\n") for path, needs in rows}


def counts(connection: sqlite3.Connection, agent_id: str | None) -> tuple[int, int]:
    """Count sessions that are shown, of one project or all, and the messages in them."""
    row = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(message_count), 0) FROM sessions"
        " WHERE hidden = 0 AND (?1 IS NULL OR agent_id = ?1)",
        (agent_id,),
    ).fetchone()
    return row[0], row[1]


def write_readings(
    connection: sqlite3.Connection,
    readings: Sequence[ParsedTranscript],
    flags_of: Callable[[str], Flags],
    project_of: ProjectOf,
) -> set[str]:
    """Bring some files' rows up to date. Return the files that must be read again for it."""
    again: set[str] = set()
    said: dict[str, Sequence[IndexedMessage]] = {}
    for reading in readings:
        flags = flags_of(reading.record.session_id if reading.record else "")
        again.update(_write_reading(connection, reading, flags, project_of, said))
    # last: at each statement that fires a trigger FTS5 writes out the words that it was given
    for session_id, messages in said.items():
        write_messages(connection, session_id, messages)
    return again


def _write_reading(
    connection: sqlite3.Connection,
    reading: ParsedTranscript,
    flags: Flags,
    project_of: ProjectOf,
    said: dict[str, Sequence[IndexedMessage]],
) -> list[str]:
    """Bring one file's rows up to date but for its messages: they are put into `said`.

    Several files may hold a session: the one with the newest message tells it.
    """
    found, record = reading.found, reading.record
    stored = connection.execute(
        "SELECT session_id FROM files WHERE path = ?", (found.path,)
    ).fetchone()
    told = (stored[0] if stored else None, record.session_id if record else None)
    session_ids = {each for each in told if each is not None}
    before = {each: _owner(connection, each) for each in session_ids}
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            found.path,
            found.source.agent_name,
            *found.stamp,
            record.session_id if record else None,
            stamp(record.time_updated) if record else "",
            "\n".join(reading.needs),
        ),
    )
    again = _hand_over(connection, found.path, before)
    if record and _owner(connection, record.session_id) == found.path:
        row = SessionRow.of(record, found.source.agent_name)
        write_session(connection, row, None, flags, project_of)
        said[record.session_id] = reading.messages
    own = record.session_id if record else ""
    write_calls(connection, found.path, found.source.agent_name, reading.usage, own)
    return again


def _owner(connection: sqlite3.Connection, session_id: str) -> str | None:
    row = connection.execute(
        "SELECT path FROM files WHERE session_id = ? ORDER BY last DESC, path LIMIT 1",
        (session_id,),
    ).fetchone()
    return row[0] if row else None


def _hand_over(
    connection: sqlite3.Connection, path: str, before: Mapping[str, str | None]
) -> list[str]:
    """Where `path` told a session and no longer does, let another file tell it, or forget it."""
    again: list[str] = []
    for session_id, teller in before.items():
        owner = _owner(connection, session_id)
        if teller == path and owner is None:
            forget_session(connection, session_id)
        elif teller == path and owner and owner != path:
            again.append(owner)
            connection.execute("UPDATE files SET size = -1 WHERE path = ?", (owner,))
    return again


def write_session(
    connection: sqlite3.Connection,
    row: SessionRow,
    messages: Sequence[IndexedMessage] | None,
    flags: Flags,
    project_of: ProjectOf,
) -> None:
    """Insert or replace a session's row, with its messages where they are given."""
    directory = row.directory if flags.directory is None else flags.directory
    connection.execute(
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.session_id,
            row.agent_name,
            flags.agent_id or project_of(directory),
            directory or None,
            flags.title or row.title,
            row.time_created,
            row.time_updated,
            row.message_count,
            flags.is_pinned,
            flags.hidden,
        ),
    )
    if messages is not None:
        write_messages(connection, row.session_id, messages)


def write_flags(
    connection: sqlite3.Connection, session_id: str, flags: Flags, project_of: ProjectOf
) -> None:
    """Lay a person's flags over a session that is indexed."""
    connection.execute(
        "UPDATE sessions SET title = COALESCE(?1, title),"
        " directory = NULLIF(COALESCE(?2, directory), ''),"
        " agent_id = COALESCE(?3, iif(?2 IS NULL, agent_id, ?4)),"
        " is_pinned = ?5, hidden = ?6 WHERE session_id = ?7",
        (
            flags.title,
            flags.directory,
            flags.agent_id,
            project_of(flags.directory),
            flags.is_pinned,
            flags.hidden,
            session_id,
        ),
    )


def hide_only(connection: sqlite3.Connection, hidden: Collection[str]) -> None:
    """Hide these sessions and show all others: what people did while the index was closed."""
    stored = {row[0] for row in connection.execute("SELECT session_id FROM sessions WHERE hidden")}
    connection.executemany(
        "UPDATE sessions SET hidden = ? WHERE session_id = ?",
        [
            *((0, session_id) for session_id in stored.difference(hidden)),
            *((1, session_id) for session_id in hidden if session_id not in stored),
        ],
    )


def forget_file(connection: sqlite3.Connection, path: str) -> list[str]:
    """Take a file's rows out, and its session when no other file holds it. Return the files that
    must be read again for it."""
    row = connection.execute("SELECT session_id FROM files WHERE path = ?", (path,)).fetchone()
    session_id = row[0] if row else None
    before = {session_id: _owner(connection, session_id)} if session_id else {}
    forget_calls(connection, path)
    connection.execute("DELETE FROM files WHERE path = ?", (path,))
    return _hand_over(connection, path, before)


def delete_hosted(connection: sqlite3.Connection, session_id: str) -> None:
    """Take a session that lies in no file out, with its calls."""
    if _owner(connection, session_id) is None:
        forget_calls(connection, place_of(session_id))
        forget_session(connection, session_id)


def place_of(session_id: str) -> str:
    """Return what stands for a file where the calls of a session lie in none."""
    return f"session:{session_id}"


def forget_session(connection: sqlite3.Connection, session_id: str) -> None:
    """Take a session and its words out."""
    forget_messages(connection, session_id)
    connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))
