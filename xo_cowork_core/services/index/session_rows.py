"""Writes files and sessions. Every function runs inside the caller's transaction."""

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.history import SessionRecord
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.index.indexed_messages import IndexedMessage
from xo_cowork_core.services.index.message_rows import delete_messages, write_messages
from xo_cowork_core.services.index.session_keys import session_key_of
from xo_cowork_core.services.index.transcript_readers import ParsedTranscript
from xo_cowork_core.services.index.usage_rows import delete_calls, write_calls
from xo_cowork_core.storage.encodable_text import encodable
from xo_cowork_core.storage.jsonl import FileFingerprint

ProjectOf = Callable[[str | None], str | None]


class Flags(NamedTuple):
    """What a person set on a session; it overrides its store. None = not set; an empty
    `directory` means that the session has none."""

    title: str | None = None
    directory: str | None = None
    agent_id: str | None = None
    is_pinned: bool = False
    hidden: bool = False


NO_FLAGS = Flags()


@frozen_dataclass
class SessionRow:
    """A session as its store, or the host, describes it.

    `record_digest` is that of the store's record (`digest_of`), empty unless the messages are
    indexed that belong to it.
    """

    session_id: str
    agent_name: str
    directory: str | None
    title: str
    time_created: str
    time_updated: str
    message_count: int
    record_digest: bytes = b""

    @classmethod
    def of(cls, record: SessionRecord, agent_name: str) -> "SessionRow":
        """Convert a store's record, whose texts may be any."""
        return cls(
            record.session_id,
            agent_name,
            encodable(record.directory) if record.directory else record.directory,
            encodable(record.title),
            stamp(record.time_created),
            stamp(record.time_updated),
            record.message_count,
        )


def digest_of(record: SessionRecord, plugin_version: str) -> bytes:
    """Return 16 bytes that differ when the record, or the version that reads it, has changed."""
    text = f"{plugin_version}\n{record!r}"
    return hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=16).digest()


def known_files(connection: sqlite3.Connection) -> dict[str, FileFingerprint]:
    """Return the fingerprint of each indexed file, by path."""
    rows = connection.execute("SELECT path, inode, size, changed_ns FROM files")
    return {row[0]: FileFingerprint(*row[1:]) for row in rows}


def known_needs(connection: sqlite3.Connection) -> dict[str, Sequence[str]]:
    """Return the ids of the transcripts that a file continues, by path."""
    rows = connection.execute("SELECT path, needs FROM files WHERE needs <> ''")
    return {path: needs.split("\n") for path, needs in rows}


def counts(connection: sqlite3.Connection, agent_id: str | None) -> tuple[int, int]:
    """Count the visible sessions of one project, or of all, and their messages."""
    row = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(message_count), 0) FROM sessions"
        " WHERE hidden = 0 AND (?1 IS NULL OR agent_id = ?1)",
        (agent_id,),
    ).fetchone()
    return row[0], row[1]


def write_transcripts(
    connection: sqlite3.Connection,
    transcripts: Sequence[ParsedTranscript],
    flags_of: Callable[[str], Flags],
    project_of: ProjectOf,
) -> set[str]:
    """Write the rows of some files. Return the paths that must be read again because of it."""
    reread: set[str] = set()
    messages: dict[str, Sequence[IndexedMessage]] = {}
    for transcript in transcripts:
        flags = flags_of(transcript.record.session_id if transcript.record else "")
        reread.update(_write_transcript(connection, transcript, flags, project_of, messages))
    # last: at each statement that fires a trigger FTS5 writes out a segment
    write_messages(connection, messages)
    return reread


def _write_transcript(
    connection: sqlite3.Connection,
    transcript: ParsedTranscript,
    flags: Flags,
    project_of: ProjectOf,
    messages: dict[str, Sequence[IndexedMessage]],
) -> list[str]:
    """Write one file's rows but for its messages, which are put into `messages`.

    Several files may hold a session: the one with the newest message is its owner.
    """
    file, record = transcript.file, transcript.record
    stored = connection.execute(
        "SELECT session_id FROM files WHERE path = ?", (file.path,)
    ).fetchone()
    touched = (stored[0] if stored else None, record.session_id if record else None)
    session_ids = {session_id for session_id in touched if session_id is not None}
    owners = {session_id: _owner(connection, session_id) for session_id in session_ids}
    connection.execute(
        "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            file.path,
            file.source.agent_name,
            *file.fingerprint,
            record.session_id if record else None,
            stamp(record.time_updated) if record else "",
            "\n".join(transcript.needs),
        ),
    )
    reread = _transfer_sessions(connection, file.path, owners)
    if record and _owner(connection, record.session_id) == file.path:
        row = SessionRow.of(record, file.source.agent_name)
        write_session(connection, row, None, flags, project_of)
        messages[record.session_id] = transcript.messages
    session_id = record.session_id if record else ""
    write_calls(connection, file.path, file.source.agent_name, transcript.usage, session_id)
    return reread


def _owner(connection: sqlite3.Connection, session_id: str) -> str | None:
    row = connection.execute(
        "SELECT path FROM files WHERE session_id = ? ORDER BY last DESC, path LIMIT 1",
        (session_id,),
    ).fetchone()
    return row[0] if row else None


def _transfer_sessions(
    connection: sqlite3.Connection, path: str, owners: Mapping[str, str | None]
) -> list[str]:
    """Give sessions that `path` owned and no longer holds to another file that holds them, or
    delete them. Return the new owners, which must be read again."""
    new_owners: list[str] = []
    for session_id, former in owners.items():
        owner = _owner(connection, session_id)
        if former == path and owner is None:
            delete_session(connection, session_id)
        elif former == path and owner and owner != path:
            new_owners.append(owner)
            connection.execute("UPDATE files SET size = -1 WHERE path = ?", (owner,))
    return new_owners


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
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_key_of(connection, row.session_id),
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
            row.record_digest,
        ),
    )
    if messages is not None:
        write_messages(connection, {row.session_id: messages})


def write_flags(
    connection: sqlite3.Connection, session_id: str, flags: Flags, project_of: ProjectOf
) -> None:
    """Write a person's flags into the row of an indexed session."""
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
    """Hide these sessions and show all others: flags change also while the index is closed."""
    stored = {row[0] for row in connection.execute("SELECT session_id FROM sessions WHERE hidden")}
    connection.executemany(
        "UPDATE sessions SET hidden = ? WHERE session_id = ?",
        [
            *((0, session_id) for session_id in stored.difference(hidden)),
            *((1, session_id) for session_id in hidden if session_id not in stored),
        ],
    )


def delete_file(connection: sqlite3.Connection, path: str) -> list[str]:
    """Delete a file's rows, and its session when no other file holds it. Return the paths that
    must be read again because of it."""
    row = connection.execute("SELECT session_id FROM files WHERE path = ?", (path,)).fetchone()
    session_id = row[0] if row else None
    owners = {session_id: _owner(connection, session_id)} if session_id else {}
    delete_calls(connection, path)
    connection.execute("DELETE FROM files WHERE path = ?", (path,))
    return _transfer_sessions(connection, path, owners)


def delete_hosted_session(connection: sqlite3.Connection, session_id: str) -> None:
    """Delete a session that no file holds, with its calls."""
    if _owner(connection, session_id) is None:
        delete_calls(connection, place_of(session_id))
        delete_session(connection, session_id)


def place_of(session_id: str) -> str:
    """Return the place of the calls of a session without a file."""
    return f"session:{session_id}"


def delete_session(connection: sqlite3.Connection, session_id: str) -> None:
    """Delete a session and its messages."""
    delete_messages(connection, session_id)
    connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))
