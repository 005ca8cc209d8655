"""Runs that nobody waits for any more: found at each start of the gateway, and stopped.

A run of the gateway goes on when its client dies; a gateway that was killed in a run takes it up
again by itself some seconds after its next start. Run ids begin with a mark of this server's
state folder, so that another server's runs are left alone.
"""

from xo_runtime_openclaw.gateway.connection import Connection, Gone
from xo_runtime_openclaw.gateway.frames import Refused, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.run.sessions import is_own

SECONDS = 5.0
PAGE = 200


class OrphanRuns:
    """Sweeps once for each start of the gateway, before any turn runs on the connection."""

    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._swept: object = None

    async def sweep(self, connection: Connection) -> None:
        """Stop what is left. Raises nothing: the next connection tries again."""
        boot = connection.server.get("bootId") or ""
        if self._swept == boot:
            return
        try:
            asked = {"activeOnly": True, "limit": PAGE}
            listed = row(await connection.call("sessions.list", asked, seconds=SECONDS))
            for session in rows(listed.get("sessions")):
                if is_own(text_of(session.get("key"))):
                    await self._stop(connection, session)
            self._swept = boot
        except (Refused, Gone, TimeoutError):
            return

    async def _stop(self, connection: Connection, session: Row) -> None:
        key = text_of(session.get("key"))
        asked = {"sessionKey": key, "limit": 1}
        history = row(await connection.call("chat.history", asked, seconds=SECONDS))
        run_id = text_of(row(history.get("inFlightRun")).get("runId"))
        if run_id.startswith(self._prefix) and not self._gateway.runs_here(run_id):
            abort = {"sessionKey": key, "runId": run_id}
            await connection.call("chat.abort", abort, seconds=SECONDS)
        elif not run_id and session.get("abortedLastRun") is True:
            # cut short by the gateway's own death, and told as failed: not to be taken up again
            abort = {"key": key, "clearQueued": True}
            await connection.call("sessions.abort", abort, seconds=SECONDS)
