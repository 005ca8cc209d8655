"""Which days were reported to which account, in `state.db`, and the id of the workspace."""

import sqlite3
import uuid
from collections.abc import Sequence

from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database


class ReportedDays:
    """A row for each day, so that a clock that was set back repeats none."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(self, account: str) -> set[str]:
        """Return the days, as ISO dates, that the account has."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT day FROM swarm_days WHERE account = ?", (account,)
            ).fetchall()
        )
        return {row[0] for row in rows}

    async def add(self, account: str, days: Sequence[str]) -> None:
        """Record days that the service has taken."""
        now = stamp(self._clock.now())
        await self._database.write(
            lambda connection: connection.executemany(
                "INSERT OR IGNORE INTO swarm_days (account, day, reported_at) VALUES (?, ?, ?)",
                [(account, day, now) for day in days],
            )
        )

    async def workspace_id(self) -> str:
        """Return the id of this workspace, which is made once and kept in the state folder."""

        def find_or_make(connection: sqlite3.Connection) -> str:
            connection.execute(
                "INSERT INTO swarm_workspace (id) SELECT ?"
                " WHERE NOT EXISTS (SELECT 1 FROM swarm_workspace)",
                (str(uuid.uuid4()),),
            )
            return connection.execute("SELECT id FROM swarm_workspace").fetchone()[0]

        return await self._database.write(find_or_make)
