"""Runs that an earlier life of this server left in the gateway: found and stopped.

A run of the gateway goes on when its client dies. Run ids begin with a mark of this server's
state folder, so another server's runs are left alone.
"""

from xo_runtime_openclaw.connection import Connection, Gone
from xo_runtime_openclaw.frames import Refused, row, rows, text_of
from xo_runtime_openclaw.gateway import Gateway

SECONDS = 5.0
PAGE = 100


class Leftovers:
    """Sweeps at the first connection, before any turn runs."""

    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._swept = False

    async def sweep(self, connection: Connection) -> None:
        """Stop what is left. Raises nothing: the next connection tries again."""
        if self._swept:
            return
        try:
            listed = row(
                await connection.call(
                    "sessions.list", {"activeOnly": True, "limit": PAGE}, seconds=SECONDS
                )
            )
            for session in rows(listed.get("sessions")):
                key = text_of(session.get("key"))
                await self._stop(connection, key)
            self._swept = True
        except (Refused, Gone, TimeoutError):
            return

    async def _stop(self, connection: Connection, key: str) -> None:
        asked = {"sessionKey": key, "limit": 1}
        history = row(await connection.call("chat.history", asked, seconds=SECONDS))
        run_id = text_of(row(history.get("inFlightRun")).get("runId"))
        if run_id.startswith(self._prefix) and not self._gateway.runs_here(run_id):
            await connection.call(
                "chat.abort", {"sessionKey": key, "runId": run_id}, seconds=SECONDS
            )
