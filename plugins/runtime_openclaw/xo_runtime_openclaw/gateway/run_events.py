"""The events of one run, between the socket's reader and the turn that waits for them."""

import asyncio
from collections import deque

from xo_runtime_openclaw.gateway.frames import Notice, Row, row

MAX_NOTICES = 8192


class RunEvents:
    """A bounded queue. The reader never waits: what doesn't fit makes the feed `broken`, and so
    does a lost connection; the turn then asks the gateway how things stand."""

    def __init__(self, run_id: str, session_key: str) -> None:
        self.run_id = run_id
        self.session_key = session_key
        self.broken = False
        self._notices: deque[Notice] = deque()
        self._wake = asyncio.Event()

    def put(self, notice: Notice) -> None:
        """Take an event of this run."""
        if len(self._notices) >= MAX_NOTICES:
            self.break_off()
        if not self.broken:
            self._notices.append(notice)
            self._wake.set()

    def break_off(self) -> None:
        """Say that events are missing from here on."""
        self.broken = True
        self._wake.set()

    def mend(self) -> None:
        """Begin anew; what has not been taken is forgotten."""
        self._notices.clear()
        self.broken = False

    async def take(self) -> list[Notice]:
        """Wait for events and return all there are; empty when it is broken."""
        await self._wake.wait()
        self._wake.clear()
        taken = list(self._notices)
        self._notices.clear()
        return taken


def run_of(notice: Notice) -> str:
    """Return the id of the run that an event belongs to, empty when it belongs to none."""
    payload: Row = notice.payload
    match notice.event:
        case "chat" | "agent" | "session.tool":
            found = payload.get("runId")
        case "session.message":
            found = row(row(payload.get("message")).get("__openclaw")).get("runId")
        case "exec.approval.requested" | "exec.approval.resolved":
            found = row(payload.get("request")).get("runId")
        case _:
            return ""
    return found if isinstance(found, str) else ""
