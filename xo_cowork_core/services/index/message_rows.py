"""Writes messages' words and their counts. Every function runs inside the caller's transaction."""

import sqlite3
from array import array
from collections.abc import Sequence

from xo_cowork_core.services.index.transcript_readers import IndexedMessage


def write_messages(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    """Replace a session's messages from the first that differs, and count them by day."""
    stored = connection.execute(
        "SELECT digest FROM messages WHERE session_id = ? ORDER BY number", (session_id,)
    ).fetchall()
    same = 0
    for (old,), new in zip(stored, messages, strict=False):
        if old != new.digest:
            break
        same += 1
    if same < len(stored):
        _drop(connection, session_id, same)
    _add(connection, session_id, messages[same:])
    _count(connection, session_id, messages)


def _drop(connection: sqlite3.Connection, session_id: str, number: int) -> None:
    """Take messages out from a number on. `words` keeps no text: it is told what was in it."""
    place = (session_id, number)
    old = connection.execute(
        "SELECT id, text FROM messages WHERE session_id = ? AND number >= ?", place
    ).fetchall()
    connection.executemany("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", old)
    connection.execute("DELETE FROM messages WHERE session_id = ? AND number >= ?", place)


def _add(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    """Add messages and their words: not by a trigger, at which FTS5 writes a segment each."""
    last = connection.execute("SELECT COALESCE(MAX(id), 0) FROM messages").fetchone()[0]
    new = list(enumerate(messages, start=last + 1))
    connection.executemany(
        "INSERT INTO messages (id, session_id, number, digest, text) VALUES (?, ?, ?, ?, ?)",
        [(number, session_id, each.number, each.digest, each.text) for number, each in new],
    )
    connection.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)",
        [(number, each.text) for number, each in new],
    )


def forget_messages(connection: sqlite3.Connection, session_id: str) -> None:
    """Take a session's words out."""
    write_messages(connection, session_id, ())


def seconds_of(packed: bytes) -> list[float]:
    """Read what `spoken.seconds` holds."""
    found = array("d")
    found.frombytes(packed)
    return found.tolist()


def _count(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    days: dict[str, tuple[list[int], array[float]]] = {}
    for message in messages:
        count, seconds = days.setdefault(message.day, ([0], array("d")))
        count[0] += 1
        if message.seconds is not None:
            seconds.append(message.seconds)
    connection.execute("DELETE FROM spoken WHERE session_id = ?", (session_id,))
    connection.executemany(
        "INSERT INTO spoken VALUES (?, ?, ?, ?)",
        [(session_id, day, n[0], seconds.tobytes()) for day, (n, seconds) in days.items()],
    )
