"""Finding a run again after events were missed: the connection dropped, or a feed ran over.

Nothing is doubled: the translator knows what it has seen. What can't be made sure of ends in
`Desync` or in an error, never in silence.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from xo_runtime_openclaw.gateway.frames import Notice, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.run import failures
from xo_runtime_openclaw.run.approvals import read_asked
from xo_runtime_openclaw.run.missed_events import missed
from xo_runtime_openclaw.run.translator import Ended, Item, Translator

GONE_SECONDS = 8.0
STARTING_SECONDS = 45.0
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 1.0
WAIT_MS = 1
PAGE = 60


class RunRecovery:
    """One run's ways back."""

    def __init__(self, gateway: Gateway, translator: Translator, key: str, run_id: str) -> None:
        self._gateway = gateway
        self._translator = translator
        self._key = key
        self._run_id = run_id
        self._boot = ""

    async def subscribe(self) -> None:
        """Subscribe to the session's records and remember the gateway's boot id.

        Raises `GatewayUnavailable`.
        """
        connection = await self._gateway.connection()
        self._boot = self._boot or text_of(connection.server.get("bootId"))
        if self._key not in connection.subscribed:
            await self._gateway.call("sessions.messages.subscribe", {"key": self._key})
            connection.subscribed.add(self._key)

    async def connect(self) -> None:
        """Connect again, for as long as it is worth it. Raises `AgentFailure`."""
        loop = asyncio.get_running_loop()
        begun, wait = loop.time(), FIRST_WAIT_SECONDS
        while True:
            try:
                await self.subscribe()
                # tools of a run are told to the connection that began it, and to these
                await self._gateway.call("sessions.subscribe", {})
                return
            except GatewayUnavailable as reason:
                if reason.kind not in {"unreachable", "starting"}:
                    raise failures.not_connected(reason) from None
                patience = STARTING_SECONDS if reason.kind == "starting" else GONE_SECONDS
                if loop.time() - begun > patience:
                    raise failures.gone(reason.detail) from None
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * 2)

    async def items(self) -> AsyncIterator[Item]:
        """Catch up with the run; the live events follow. Raises `AgentFailure`."""
        while True:
            await self.connect()
            try:
                found = [item async for item in self._caught_up()]
            except GatewayUnavailable:
                continue
            for item in found:
                yield item
            return

    async def _caught_up(self) -> AsyncIterator[Item]:
        asked = {"runId": self._run_id, "timeoutMs": WAIT_MS}
        state = row(await self._gateway.call("agent.wait", asked))
        history = row(
            await self._gateway.call("chat.history", {"sessionKey": self._key, "limit": PAGE})
        )
        flight = row(history.get("inFlightRun"))
        records = [
            message
            for message in rows(history.get("messages"))
            if row(message.get("__openclaw")).get("runId") == self._run_id
        ]
        status = state.get("status")
        if status == "error" and text_of(state.get("stopReason")) not in {"aborted", "rpc"}:
            yield Ended(failures.run_failure(text_of(state.get("error")), {}))
        elif status in {"ok", "error"} or (not flight and _finished(records)):
            for item in missed(self._translator, records):
                yield item
            yield self._translator.done("aborted" if status == "error" else "stop")
        elif flight.get("runId") == self._run_id:
            for item in (*missed(self._translator, records), *self._resume(flight)):
                yield item
            for item in await self._pending():
                yield item
        elif not self._still_here(row(history.get("sessionInfo"))):
            yield Ended(failures.gone("It was started anew."))

    def _resume(self, flight: Row) -> list[Item]:
        items: list[Item] = []
        for event in rows(flight.get("events")):
            items += self._translator.items(Notice("agent", event))
        items += self._translator.said.catch_up(text_of(flight.get("text")))
        return items

    async def _pending(self) -> list[Item]:
        waiting: Any = await self._gateway.call("exec.approval.list", {})
        mine = [r for r in rows(waiting) if row(r.get("request")).get("runId") == self._run_id]
        return [asked for found in mine if (asked := read_asked(found))]

    def _still_here(self, session: Row) -> bool:
        """Say whether the run may yet begin: the gateway is the same and the session is busy."""
        same = self._gateway.boot_id == self._boot
        return same and session.get("hasActiveRun") is True


def _finished(records: list[Row]) -> bool:
    return bool(records) and text_of(records[-1].get("stopReason")) in {"stop", "length"}
