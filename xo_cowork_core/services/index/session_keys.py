"""Small integers that replace session ids in large tables."""

import sqlite3


def session_key_of(connection: sqlite3.Connection, session_id: str) -> int:
    """Return the integer of a session id; assign one to a new id. Runs in a transaction."""
    row = connection.execute(
        "SELECT session_key FROM session_keys WHERE session_id = ?", (session_id,)
    ).fetchone()
    if row:
        return int(row[0])
    cursor = connection.execute("INSERT INTO session_keys (session_id) VALUES (?)", (session_id,))
    return int(cursor.lastrowid or 0)
