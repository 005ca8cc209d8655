"""Writes readings into the index. Every function runs inside the caller's transaction."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xo_cowork_core.sdk import SessionRecord, UsageRecord
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.index.feed import IndexedMessage, Reading
from xo_cowork_core.storage.jsonl import Stamp

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


def known_files(connection: sqlite3.Connection) -> dict[str, Stamp]:
    """Return what was indexed."""
    rows = connection.execute("SELECT path, inode, size, changed_ns FROM files")
    return {row[0]: Stamp(*row[1:]) for row in rows}


def counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """Count sessions that are shown, and messages."""
    sessions = connection.execute("SELECT COUNT(*) FROM sessions WHERE hidden = 0").fetchone()
    messages = connection.execute("SELECT COUNT(*) FROM messages").fetchone()
    return sessions[0], messages[0]


def write_reading(
    connection: sqlite3.Connection, reading: Reading, flags: Flags, project_of: ProjectOf
) -> None:
    """Bring one file's rows up to date."""
    found, record = reading.found, reading.record
    session_id = record.session_id if record else None
    if record:
        row = SessionRow.of(record, found.source.agent_name)
        write_hosted(connection, row, reading.messages, flags, project_of)
    write_calls(connection, found.path, found.source.agent_name, reading.usage, session_id or "")
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
        (
            found.path,
            found.source.agent_name,
            found.stamp.inode,
            found.stamp.size,
            found.stamp.changed_ns,
            session_id,
        ),
    )


def write_hosted(
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
        "UPDATE sessions SET title = COALESCE(?, title),"
        " directory = NULLIF(COALESCE(?, directory), ''), agent_id = COALESCE(?, agent_id),"
        " is_pinned = ?, hidden = ? WHERE session_id = ?",
        (
            flags.title,
            flags.directory,
            flags.agent_id or project_of(flags.directory),
            flags.is_pinned,
            flags.hidden,
            session_id,
        ),
    )


def write_messages(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    """Replace a session's messages from the first that differs."""
    stored = [
        row[0]
        for row in connection.execute(
            "SELECT digest FROM messages WHERE session_id = ? ORDER BY number", (session_id,)
        )
    ]
    same = 0
    for old, new in zip(stored, messages, strict=False):
        if old != new.digest:
            break
        same += 1
    if same < len(stored):
        connection.execute(
            "DELETE FROM messages WHERE session_id = ? AND number >= ?", (session_id, same)
        )
    connection.executemany(
        "INSERT INTO messages (session_id, number, digest, text, day, seconds)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (session_id, new.number, new.digest, new.text, new.day, new.seconds)
            for new in messages[same:]
        ],
    )


def write_calls(
    connection: sqlite3.Connection,
    path: str,
    agent_name: str,
    usage: Sequence[UsageRecord],
    session_id: str,
) -> None:
    """Replace the model calls of one file (or of one session without a file)."""
    connection.execute("DELETE FROM calls WHERE path = ?", (path,))
    connection.executemany(
        "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                f"{agent_name}:{call.key}",
                path,
                call.session_id or session_id,
                agent_name,
                stamp(call.time)[:10],
                stamp(call.time),
                call.model_id,
                call.provider_id,
                call.tokens.input,
                call.tokens.output,
                call.tokens.reasoning,
                call.tokens.cache_read,
                call.tokens.cache_write,
                call.cost,
                ",".join(call.tools),
            )
            for call in usage
        ],
    )


def forget_file(connection: sqlite3.Connection, path: str) -> None:
    """Take a file's rows out, and its session when no other file holds it."""
    row = connection.execute("SELECT session_id FROM files WHERE path = ?", (path,)).fetchone()
    connection.execute("DELETE FROM calls WHERE path = ?", (path,))
    connection.execute("DELETE FROM files WHERE path = ?", (path,))
    session_id = row[0] if row else None
    if session_id is None:
        return
    other = connection.execute(
        "SELECT 1 FROM files WHERE session_id = ? LIMIT 1", (session_id,)
    ).fetchone()
    if other is None:
        forget_session(connection, session_id)


def forget_session(connection: sqlite3.Connection, session_id: str) -> None:
    """Take a session and its words out."""
    connection.execute("DELETE FROM messages WHERE session_id = ?", (session_id,))
    connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))
