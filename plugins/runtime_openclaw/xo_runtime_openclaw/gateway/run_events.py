"""The events of one run, between the connection's reader and the turn."""

import asyncio
from collections import deque

from xo_runtime_openclaw.gateway.frames import GatewayEvent, Row, row

MAX_NOTICES = 8192


class RunEvents:
    """A bounded queue. The reader never waits.

    An overflow or a lost connection sets `is_incomplete`; the turn then recovers the run from the
    gateway.
    """

    def __init__(self, run_id: str, session_key: str) -> None:
        self.run_id = run_id
        self.session_key = session_key
        self.is_incomplete = False
        self._notices: deque[GatewayEvent] = deque()
        self._wake = asyncio.Event()

    def put(self, event: GatewayEvent) -> None:
        """Add an event of this run."""
        if len(self._notices) >= MAX_NOTICES:
            self.mark_incomplete()
        if not self.is_incomplete:
            self._notices.append(event)
            self._wake.set()

    def mark_incomplete(self) -> None:
        """Note that events are missing from here on."""
        self.is_incomplete = True
        self._wake.set()

    def reset(self) -> None:
        """Clear the queue and start again."""
        self._notices.clear()
        self.is_incomplete = False

    async def take(self) -> list[GatewayEvent]:
        """Wait for events and return all of them; empty when the queue is incomplete."""
        await self._wake.wait()
        self._wake.clear()
        taken = list(self._notices)
        self._notices.clear()
        return taken


def run_id_of(event: GatewayEvent) -> str:
    """Return the id of the run that an event belongs to; empty when it belongs to none."""
    payload: Row = event.payload
    match event.event:
        case "chat" | "agent" | "session.tool":
            run_id = payload.get("runId")
        case "session.message":
            run_id = row(row(payload.get("message")).get("__openclaw")).get("runId")
        case "exec.approval.requested" | "exec.approval.resolved":
            run_id = row(payload.get("request")).get("runId")
        case _:
            return ""
    return run_id if isinstance(run_id, str) else ""
