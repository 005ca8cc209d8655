"""Writes messages' words and their counts. Every function runs inside the caller's transaction."""

import sqlite3
from array import array
from collections.abc import Sequence

from xo_cowork_core.services.index.feed import IndexedMessage


def write_messages(
    connection: sqlite3.Connection, session_id: str, messages: Sequence[IndexedMessage]
) -> None:
    """Replace a session's messages from the first that differs, and count them by day."""
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
        "INSERT INTO messages (session_id, number, digest, text) VALUES (?, ?, ?, ?)",
        [(session_id, new.number, new.digest, new.text) for new in messages[same:]],
    )
    _count(connection, session_id, messages)


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
