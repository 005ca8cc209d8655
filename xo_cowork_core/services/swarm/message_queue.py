"""The messages that the XO service does not have yet, in `state.db`.

Each message has a key, which is queued once. What is queued survives a crash; a message is deleted
after the service has taken it, so one whose answer was lost is sent again, with the same key.
"""

import sqlite3
from typing import NamedTuple

import orjson

from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database

MAX_MESSAGES = 1000


class OpenQuestion(NamedTuple):
    """A turn of the older chat whose answer was not queued yet."""

    stream_id: str
    account: str
    project_id: str
    user_id: str


class QueuedMessage(NamedTuple):
    """A message to send. `account` is the one for which it was queued."""

    number: int
    key: str
    account: str
    body: dict[str, str]


class MessageQueue:
    """At most `MAX_MESSAGES`, in the order in which they were said; the oldest are dropped."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_question(self, question: OpenQuestion, body: dict[str, str]) -> None:
        """Queue a person's message, and expect the answer of its turn."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO swarm_questions (stream_id, account, project_id, user_id)"
                " VALUES (?, ?, ?, ?)",
                question,
            )
            self._insert(connection, f"{question.stream_id}:user", question.account, body)

        await self._database.write(write)

    async def add_answer(self, question: OpenQuestion, body: dict[str, str] | None) -> None:
        """Queue the answer of a turn; None for a turn that has none. Expect it no longer."""

        def write(connection: sqlite3.Connection) -> None:
            deleted = connection.execute(
                "DELETE FROM swarm_questions WHERE stream_id = ?", (question.stream_id,)
            ).rowcount
            if deleted and body is not None:
                self._insert(connection, f"{question.stream_id}:agent", question.account, body)

        await self._database.write(write)

    async def open_questions(self) -> list[OpenQuestion]:
        """Return the turns whose answer was not queued yet."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT stream_id, account, project_id, user_id FROM swarm_questions ORDER BY rowid"
            ).fetchall()
        )
        return [OpenQuestion(*row) for row in rows]

    async def first(self) -> QueuedMessage | None:
        """Return the oldest message."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT number, message_key, account, body FROM swarm_messages"
                " ORDER BY number LIMIT 1"
            ).fetchone()
        )
        return QueuedMessage(row[0], row[1], row[2], orjson.loads(row[3])) if row else None

    async def remove(self, message: QueuedMessage) -> None:
        """Delete a message that was taken, or is not to be sent."""
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM swarm_messages WHERE number = ?", (message.number,)
            )
        )

    def _insert(
        self, connection: sqlite3.Connection, key: str, account: str, body: dict[str, str]
    ) -> None:
        connection.execute(
            "INSERT OR IGNORE INTO swarm_messages (message_key, account, body, created_at)"
            " VALUES (?, ?, ?, ?)",
            (key, account, orjson.dumps(body).decode(), stamp(self._clock.now())),
        )
        connection.execute(
            "DELETE FROM swarm_messages WHERE number <="
            " (SELECT MAX(number) FROM swarm_messages) - ?",
            (MAX_MESSAGES,),
        )
