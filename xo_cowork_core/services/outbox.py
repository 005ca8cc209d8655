"""Messages that another service does not have yet, in a table of `state.db`.

Each message has a key, which is queued once. What is queued survives a crash; a message is deleted
after the service has taken it, so one whose answer was lost is sent again, with the same key.
"""

import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database

MAX_MESSAGES = 1000
OutboxTable: TypeAlias = Literal["swarm_messages", "webhook_messages"]


class OutboxMessage(NamedTuple):
    """A message to send. `account` is the one of the service for which it was queued."""

    number: int
    key: str
    account: str
    body: dict[str, JsonValue]
    created_at: datetime


class Outbox:
    """At most `MAX_MESSAGES`, in the order in which they were added; the oldest are dropped."""

    def __init__(self, database: Database, clock: Clock, table: OutboxTable) -> None:
        self._database = database
        self._clock = clock
        self._table = table

    def insert(self, connection: sqlite3.Connection, key: str, account: str, body: object) -> None:
        """Add a message in the caller's transaction, unless one with its key waits."""
        values = (key, account, orjson.dumps(body).decode(), stamp(self._clock.now()))
        self._execute(
            connection,
            "INSERT OR IGNORE INTO <table> (message_key, account, body, created_at)"
            " VALUES (?, ?, ?, ?)",
            *values,
        )
        self._execute(
            connection,
            "DELETE FROM <table> WHERE number <= (SELECT MAX(number) FROM <table>) - ?",
            MAX_MESSAGES,
        )

    async def first(self, without: Collection[int] = ()) -> OutboxMessage | None:
        """Return the oldest message, apart from those of some numbers."""
        row = await self._read(
            "SELECT number, message_key, account, body, created_at FROM <table>"
            " WHERE number NOT IN (SELECT value FROM json_each(?)) ORDER BY number LIMIT 1",
            orjson.dumps(list(without)).decode(),
        )
        if row is None:
            return None
        number, key, account, body, created_at = row
        moment = datetime.fromisoformat(created_at)
        return OutboxMessage(number, key, account, orjson.loads(body), moment)

    async def remove(self, message: OutboxMessage) -> None:
        """Delete a message that was taken, or is not to be sent."""
        statement = "DELETE FROM <table> WHERE number = ?"
        await self._database.write(
            lambda connection: self._execute(connection, statement, message.number)
        )

    async def clear(self) -> None:
        """Delete all messages."""
        await self._database.write(
            lambda connection: self._execute(connection, "DELETE FROM <table>")
        )

    async def count(self) -> int:
        """Return the number of messages."""
        row = await self._read("SELECT COUNT(*) FROM <table>")
        return int(row[0]) if row else 0

    async def _read(self, statement: str, *values: str | int) -> tuple[Any, ...] | None:
        return await self._database.read(
            lambda connection: self._execute(connection, statement, *values).fetchone()
        )

    def _execute(
        self, connection: sqlite3.Connection, statement: str, *values: str | int
    ) -> sqlite3.Cursor:
        return connection.execute(statement.replace("<table>", self._table), values)
