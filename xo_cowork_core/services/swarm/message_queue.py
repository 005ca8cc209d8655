"""The messages that the XO service does not have yet, and the answers that are not queued yet."""

import sqlite3
from typing import NamedTuple

from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.outbox import Outbox
from xo_cowork_core.storage.database import Database


class OpenQuestion(NamedTuple):
    """A turn of the older chat whose answer was not queued yet."""

    stream_id: str
    account: str
    project_id: str
    user_id: str


class MessageQueue:
    """The messages in the order in which they were said."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.outbox = Outbox(database, clock, "swarm_messages")

    async def add_question(self, question: OpenQuestion, body: dict[str, str]) -> None:
        """Queue a person's message, and expect the answer of its turn."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO swarm_questions (stream_id, account, project_id, user_id)"
                " VALUES (?, ?, ?, ?)",
                question,
            )
            self.outbox.insert(connection, f"{question.stream_id}:user", question.account, body)

        await self._database.write(write)

    async def add_answer(self, question: OpenQuestion, body: dict[str, str] | None) -> None:
        """Queue the answer of a turn; None for a turn that has none. Expect it no longer."""

        def write(connection: sqlite3.Connection) -> None:
            deleted = connection.execute(
                "DELETE FROM swarm_questions WHERE stream_id = ?", (question.stream_id,)
            ).rowcount
            if deleted and body is not None:
                self.outbox.insert(
                    connection, f"{question.stream_id}:agent", question.account, body
                )

        await self._database.write(write)

    async def open_questions(self) -> list[OpenQuestion]:
        """Return the turns whose answer was not queued yet."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT stream_id, account, project_id, user_id FROM swarm_questions ORDER BY rowid"
            ).fetchall()
        )
        return [OpenQuestion(*row) for row in rows]
