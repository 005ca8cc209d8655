"""Stop runs that no turn waits for, after each start of the gateway.

A run continues when its client dies; a gateway that was killed during a run resumes it some
seconds after its next start. Run ids begin with a digest of this server's state folder, so the
runs of another server are left alone.
"""

from typing import TYPE_CHECKING

from xo_runtime_openclaw.gateway.frames import (
    ConnectionLost,
    GatewayError,
    Row,
    row,
    rows,
    text_of,
)
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.run.sessions import is_host_key

if TYPE_CHECKING:
    from xo_runtime_openclaw.gateway.connection import Connection

SECONDS = 5.0
PAGE = 200


class OrphanRuns:
    """Sweeps once after each start of the gateway, before a turn uses the connection."""

    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._swept: object = None

    async def sweep(self, connection: "Connection") -> None:
        """Stop the orphan runs. Raises nothing; the next connection tries again."""
        boot = connection.server.get("bootId") or ""
        if self._swept == boot:
            return
        try:
            params = {"activeOnly": True, "limit": PAGE}
            listed = row(await connection.call("sessions.list", params, seconds=SECONDS))
            for session in rows(listed.get("sessions")):
                if is_host_key(text_of(session.get("key"))):
                    await self._stop(connection, session)
            self._swept = boot
        except (GatewayError, ConnectionLost, TimeoutError):
            return

    async def _stop(self, connection: "Connection", session: Row) -> None:
        key = text_of(session.get("key"))
        params = {"sessionKey": key, "limit": 1}
        history = row(await connection.call("chat.history", params, seconds=SECONDS))
        run_id = text_of(row(history.get("inFlightRun")).get("runId"))
        if run_id.startswith(self._prefix) and not self._gateway.has_run(run_id):
            abort = {"sessionKey": key, "runId": run_id}
            await connection.call("chat.abort", abort, seconds=SECONDS)
        elif not run_id and session.get("abortedLastRun") is True:
            # interrupted by the gateway's end and reported as failed: must not resume
            abort = {"key": key, "clearQueued": True}
            await connection.call("sessions.abort", abort, seconds=SECONDS)
