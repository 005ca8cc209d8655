"""Messages of runtimes without a store of their own: those of the turns that the host ran, in
`state.db`."""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from xo_cowork_core.sdk import NotFound, Tokens
from xo_cowork_core.sdk.runtime.history import (
    CompactionPart,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.storage.database import Database

KINDS: dict[str, type[Part]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
    "tool": ToolPart,
    "file": FilePart,
    "step-finish": StepPart,
    "compaction": CompactionPart,
}
NAMES = {part: name for name, part in KINDS.items()}
TICK = timedelta(milliseconds=1)


class HostHistory:
    """Messages by session, in the order in which they were added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session_id: str, message: Message) -> None:
        """Append one message."""
        await self._database.write(lambda connection: insert(connection, session_id, message))

    async def messages(self, session_id: str) -> Sequence[Message]:
        """Return a session's messages, oldest first; none is older than the one before it."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT body FROM messages WHERE session_id = ? ORDER BY number", (session_id,)
            ).fetchall()
        )
        return _in_order_of_time([decode(body) for (body,) in rows])

    async def counts(self) -> dict[str, int]:
        """Return how many messages each session has."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT session_id, COUNT(*) FROM messages GROUP BY session_id"
            ).fetchall()
        )
        return dict(rows)

    async def drop(self, session_id: str, message_id: str) -> None:
        """Delete a user's message and those that follow. Raises NotFound for any other id."""
        await self._database.write(lambda connection: _drop(connection, session_id, message_id))


def _in_order_of_time(messages: list[Message]) -> list[Message]:
    """Give a message that is older than the one before it the time of that one.

    The wall clock may have been set back between two messages.
    """
    for number in range(1, len(messages)):
        earliest = messages[number - 1].time_created
        if messages[number].time_created < earliest:
            messages[number] = replace(messages[number], time_created=earliest)
    return messages


def insert(connection: sqlite3.Connection, session_id: str, message: Message) -> None:
    """Append one message in the caller's transaction, and set the session's time."""
    connection.execute(
        "INSERT INTO messages (session_id, number, message_id, body)"
        " SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ?"
        " FROM messages WHERE session_id = ?",
        (session_id, message.id, encode(message), session_id),
    )
    updated_at = _updated_at(connection, session_id, message)
    connection.execute(
        "UPDATE sessions SET time_updated = ? WHERE session_id = ?", (updated_at, session_id)
    )


def _updated_at(connection: sqlite3.Connection, session_id: str, message: Message) -> str:
    """Return the session's time after a message.

    An answer always makes it later, by a millisecond where it began with its prompt: the index
    recognises by this time that it lacks the answer.
    """
    created_at = stamp(message.time_created)
    query = "SELECT time_updated FROM sessions WHERE session_id = ?"
    row = connection.execute(query, (session_id,)).fetchone()
    if row is None or created_at > row[0] or message.role == "user":
        return created_at if row is None else max(created_at, row[0])
    return stamp(datetime.fromisoformat(row[0]) + TICK)


def _drop(connection: sqlite3.Connection, session_id: str, message_id: str) -> None:
    row = connection.execute(
        "SELECT number, body FROM messages WHERE session_id = ? AND message_id = ?",
        (session_id, message_id),
    ).fetchone()
    if row is None or decode(row[1]).role != "user":
        raise NotFound("No such message of the user in this session")
    connection.execute(
        "DELETE FROM messages WHERE session_id = ? AND number >= ?", (session_id, row[0])
    )


def encode(message: Message) -> bytes:
    """Return a message as JSON, each part with its kind."""
    parts = [{"kind": NAMES[type(part)], **_shallow(part)} for part in message.parts]
    return orjson.dumps({**_shallow(message), "parts": parts})


def _shallow(value: Any) -> dict[str, Any]:
    return {item.name: getattr(value, item.name) for item in fields(value)}


def decode(body: bytes) -> Message:
    """Read what `encode` wrote."""
    stored: dict[str, Any] = orjson.loads(body)
    stored["parts"] = tuple(_part(part) for part in stored["parts"])
    stored["time_created"] = datetime.fromisoformat(stored["time_created"])
    stored["tokens"] = Tokens(**stored["tokens"]) if stored["tokens"] else None
    return Message(**stored)


def _part(stored: dict[str, Any]) -> Part:
    kind = KINDS[stored.pop("kind")]
    for name in ("time_start", "time_end"):
        if stored.get(name):
            stored[name] = datetime.fromisoformat(stored[name])
    if "tokens" in stored:
        stored["tokens"] = Tokens(**stored["tokens"])
    return kind(**stored)
