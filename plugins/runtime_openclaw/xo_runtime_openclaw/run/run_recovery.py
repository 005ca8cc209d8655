"""Recover a run after missed events: the connection dropped, or the event queue overflowed.

The gateway's records are complete up to the model call in progress, and the translator records what
it has sent, so nothing is sent twice. What cannot be determined ends in `Desync` or an error.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from xo_runtime_openclaw.gateway.frames import GatewayEvent, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.run import failures
from xo_runtime_openclaw.run.approvals import read_approval_request
from xo_runtime_openclaw.run.segment_reconciler import SegmentReconciler
from xo_runtime_openclaw.run.translator import Item, RunEnded, Translator

GONE_SECONDS = 8.0
STARTING_SECONDS = 45.0
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 1.0
WAIT_MS = 1
PAGE = 60


class RunRecovery:
    """Recovers one run."""

    def __init__(self, gateway: Gateway, translator: Translator, key: str, run_id: str) -> None:
        self._gateway = gateway
        self._translator = translator
        self._key = key
        self._run_id = run_id
        self._boot_id = ""

    async def subscribe(self) -> None:
        """Subscribe to the session's records and keep the gateway's boot id.

        Raises `GatewayUnavailable`.
        """
        connection = await self._gateway.connection()
        self._boot_id = self._boot_id or text_of(connection.server.get("bootId"))
        if self._key not in connection.subscribed:
            await self._gateway.call("sessions.messages.subscribe", {"key": self._key})
            connection.subscribed.add(self._key)

    async def connect(self) -> None:
        """Connect again, within the time limits. Raises `AgentFailure`."""
        loop = asyncio.get_running_loop()
        started_at, wait = loop.time(), FIRST_WAIT_SECONDS
        while True:
            try:
                await self.subscribe()
                # tool events reach the connection that started the run, and session subscribers
                await self._gateway.call("sessions.subscribe", {})
                return
            except GatewayUnavailable as reason:
                if reason.kind not in {"unreachable", "starting"}:
                    raise failures.not_connected(reason) from None
                limit = STARTING_SECONDS if reason.kind == "starting" else GONE_SECONDS
                if loop.time() - started_at > limit:
                    raise failures.gateway_lost(reason.detail) from None
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * 2)

    async def items(self) -> AsyncIterator[Item]:
        """Yield the missed items; live events follow. Raises `AgentFailure`."""
        while True:
            await self.connect()
            try:
                items = [item async for item in self._missed_items()]
            except GatewayUnavailable:
                continue
            for item in items:
                yield item
            return

    async def _missed_items(self) -> AsyncIterator[Item]:
        params = {"runId": self._run_id, "timeoutMs": WAIT_MS}
        state = row(await self._gateway.call("agent.wait", params))
        history = row(
            await self._gateway.call("chat.history", {"sessionKey": self._key, "limit": PAGE})
        )
        in_flight = row(history.get("inFlightRun"))
        records = [
            message
            for message in rows(history.get("messages"))
            if row(message.get("__openclaw")).get("runId") == self._run_id
        ]
        status = state.get("status")
        if status == "error" and text_of(state.get("stopReason")) not in {"aborted", "rpc"}:
            yield RunEnded(failures.run_failure(text_of(state.get("error")), {}))
        elif status in {"ok", "error"} or (not in_flight and _finished(records)):
            for item in missed_items(self._translator, records):
                yield item
            yield self._translator.done("aborted" if status == "error" else "stop")
        elif in_flight.get("runId") == self._run_id:
            for item in (*missed_items(self._translator, records), *self._resume(in_flight)):
                yield item
            for item in await self._pending():
                yield item
        elif not self._may_still_start(row(history.get("sessionInfo"))):
            yield RunEnded(failures.gateway_lost("It was restarted."))

    def _resume(self, in_flight: Row) -> list[Item]:
        items: list[Item] = []
        for event in rows(in_flight.get("events")):
            items += self._translator.items(GatewayEvent("agent", event))
        items += self._translator.text.resume(text_of(in_flight.get("text")))
        return items

    async def _pending(self) -> list[Item]:
        approvals: Any = await self._gateway.call("exec.approval.list", {})
        own = [
            approval
            for approval in rows(approvals)
            if row(approval.get("request")).get("runId") == self._run_id
        ]
        return [request for approval in own if (request := read_approval_request(approval))]

    def _may_still_start(self, session: Row) -> bool:
        """Return whether the run may still start: same gateway start, busy session."""
        same = self._gateway.boot_id == self._boot_id
        return same and session.get("hasActiveRun") is True


def _finished(records: list[Row]) -> bool:
    return bool(records) and text_of(records[-1].get("stopReason")) in {"stop", "length"}


def missed_items(translator: Translator, records: Iterable[Row]) -> Iterator[Item]:
    """Yield the items that the translator has not sent, in order."""
    segments = translator.text.segments
    index = 0
    for record in records:
        match record.get("role"):
            case "assistant":
                blocks = rows(record.get("content"))
                for block in blocks:
                    if text := text_of(block.get("text")):
                        yield from _segment_items(translator.text, segments, index, text)
                        index += 1
                yield from translator.items(GatewayEvent("session.message", {"message": record}))
                for block in blocks:
                    if block.get("type") == "toolCall":
                        yield from translator.items(_start(block))
            case "toolResult":
                yield from translator.items(_result(record))


def _segment_items(
    sent: SegmentReconciler, segments: list[str], index: int, text: str
) -> Iterator[Item]:
    if index >= len(segments):
        sent.close()
        yield from sent.update(text)
    elif (
        index == len(segments) - 1
        and sent.open_segment
        and text.strip() != sent.open_segment.strip()
    ):
        segment = text if text.startswith(sent.open_segment) else text.strip()
        is_longer = segment.startswith(sent.open_segment)
        yield from sent.update(segment) if is_longer else sent.replace(segment)


def _start(block: Row) -> GatewayEvent:
    data = {
        "phase": "start",
        "name": block.get("name"),
        "toolCallId": block.get("id"),
        "args": row(block.get("arguments")),
    }
    return GatewayEvent("agent", {"stream": "tool", "data": data})


def _result(record: Row) -> GatewayEvent:
    data = {
        "phase": "result",
        "name": record.get("toolName"),
        "toolCallId": record.get("toolCallId"),
        "isError": record.get("isError"),
        "result": {"content": record.get("content"), "details": row(record.get("details"))},
    }
    return GatewayEvent("agent", {"stream": "tool", "data": data})
