"""One running turn: it pumps a runtime's events into the stream and appends exactly one terminal.

`RunningTurn.run` runs in the turn's owner task. It alone starts and ends the pump, the task that
iterates the runtime; `store_end` appends the terminal entry, `show_end` gives it to readers.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Literal, TypeAlias

import orjson

from xo_cowork_core.sdk import (
    Done,
    Event,
    Interrupts,
    StepFinish,
    TitleUpdate,
    ToolCall,
    ToolError,
    ToolResult,
    ToolUpdate,
    TurnOutcome,
    XoError,
)
from xo_cowork_core.sdk.events.base import Json, SessionCreated
from xo_cowork_core.sdk.runtime.history import Message
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.eventlog.batches import Entry, entry_of
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.stream import Stream
from xo_cowork_core.services.history.message_assembler import MessageAssembler
from xo_cowork_core.services.runtimes.plugin_record import PluginError
from xo_cowork_core.services.turns.event_validation import require_iterator, validate_event
from xo_cowork_core.services.turns.interactions import INTERACTION_EVENTS
from xo_cowork_core.services.turns.pending_interactions import PendingInteractions
from xo_cowork_core.services.turns.prompt import ResolvedTurn
from xo_cowork_core.services.turns.silence import SilenceTimer
from xo_cowork_core.services.turns.turn_errors import error_of, outcome_of, stopped_event

INTERRUPT_SECONDS = 1.5
CANCEL_SECONDS = 3.0
TURN_SECONDS = 6 * 3600.0
EVENTS_BETWEEN_PAUSES = 512
OBSERVED_EVENTS = frozenset(
    {
        ToolCall.name,
        ToolUpdate.name,
        ToolResult.name,
        ToolError.name,
        StepFinish.name,
        TitleUpdate.name,
        *INTERACTION_EVENTS,
    }
)
StopReason: TypeAlias = Literal["aborted", "restart", "timeout", "silent"]
log = logging.getLogger("xo_cowork.turns")


class RunningTurn:
    """A turn from its acceptance to its terminal entry.

    `assembler` makes the host's copy of the answer; None where the runtime keeps the history.
    """

    def __init__(
        self,
        resolved: ResolvedTurn,
        stream: Stream,
        eventlog: EventLog,
        clock: Clock,
        *,
        started_at: datetime,
        assembler: MessageAssembler | None,
        permission_seconds: float,
    ) -> None:
        self.resolved = resolved
        self.turn = resolved.turn
        self.owner = resolved.owner
        self.stream = stream
        self.started_at = started_at
        self.terminal: Event | None = None
        self.ended = asyncio.Event()
        self.interactions = PendingInteractions(
            resolved.turn, resolved.owner, self._append, seconds=permission_seconds
        )
        self._assembler = assembler
        self._observers: list[Callable[[Event], None]] = []
        self._silence = SilenceTimer(resolved.owner.info.silent_seconds, clock)
        self._eventlog = eventlog
        self._clock = clock
        self._started_seconds = clock.monotonic()
        self._stop_reason: StopReason | None = None
        self._stop_requested = asyncio.Event()
        self._is_closed = False

    @property
    def outcome(self) -> TurnOutcome:
        """How the turn ended, without content."""
        seconds = self._clock.monotonic() - self._started_seconds
        return outcome_of(self.terminal, seconds)

    def add_observer(self, observe: Callable[[Event], None]) -> None:
        """Call `observe` with each of `OBSERVED_EVENTS`. It must not block or raise."""
        self._observers.append(observe)

    def stop(self, reason: StopReason) -> None:
        """Request the end of the turn. The first reason counts."""
        if self._stop_reason is None:
            self._stop_reason = reason
            self._stop_requested.set()

    async def run(self) -> Event:
        """Run the turn and return its terminal event, which the caller passes to `store_end`."""
        if self.turn.new_session:
            self._emit(SessionCreated())
        pump = asyncio.create_task(self._pump(), name=f"pump {self.turn.stream_id}")
        stop_request = asyncio.create_task(self._stop_requested.wait(), name="stop request")
        try:
            await self._wait_for_any(pump, stop_request)
            if not pump.done():
                await self._stop_pump(pump)
        finally:
            self._is_closed = True
            stop_request.cancel()
            pump.cancel()
        return self._encodable(self._terminal_of(pump))

    def assemble_message(self, terminal: Event) -> Message | None:
        """Return the host's copy of the answer that ends with `terminal`; None where the runtime
        keeps the history."""
        if self._assembler is None:
            return None
        self._assembler.add(self._entry(terminal), self._clock.now())
        return self._assembler.message()

    async def store_end(self, terminal: Event) -> None:
        """Withdraw the open requests, append the terminal entry, and wait for the disk."""
        self.interactions.withdraw_all()
        self.terminal = terminal
        self._append(terminal)
        await self._eventlog.wait_for_end(self.stream)

    def show_end(self) -> None:
        """Give the terminal entry to the readers."""
        self.stream.show_end()
        self.ended.set()

    async def _wait_for_any(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait until a task is done or a limit of the turn is reached, which requests its stop."""
        deadline = self._started_seconds + TURN_SECONDS
        while not any(task.done() for task in tasks):
            if self.interactions.has_open:
                self._silence.restart()
            left, silence = deadline - self._clock.monotonic(), self._silence.remaining()
            if left <= 0:
                self.stop("timeout")
            elif silence <= 0:
                self.stop("silent")
            await asyncio.wait(
                tasks,
                timeout=min(left, silence, self._silence.check_seconds),
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def _pump(self) -> None:
        try:
            events = require_iterator(self.owner.runtime.run(self.turn))
            try:
                await self._emit_all(events)
            finally:
                close = getattr(events, "aclose", None)
                if close:
                    await close()
        except (SystemExit, KeyboardInterrupt) as error:
            # out of a task asyncio raises them in the event loop, which would end the server
            raise PluginError(f"run() raised {type(error).__name__}") from error

    async def _emit_all(self, events: AsyncIterator[Event]) -> None:
        count = 0
        async for event in events:
            if self._is_closed:
                return
            validate_event(event)
            if event.terminal:
                self.terminal = event
                return
            self._emit(event)
            count += 1
            if count % EVENTS_BETWEEN_PAUSES == 0:
                # a runtime that never waits must not starve readers and other turns
                await asyncio.sleep(0)
            if self.stream.full:
                await self._eventlog.drain(self.stream)

    async def _stop_pump(self, pump: asyncio.Task[None]) -> None:
        if isinstance(self.owner.runtime, Interrupts):
            await self._interrupt(pump)
        if not pump.done():
            pump.cancel()
            await asyncio.wait({pump}, timeout=CANCEL_SECONDS)
        if not pump.done():
            log.error(
                "%s did not end within %s s of being cancelled",
                self.owner.info.name,
                CANCEL_SECONDS,
            )

    async def _interrupt(self, pump: asyncio.Task[None]) -> None:
        started = self._clock.monotonic()
        try:
            await self.owner.call(
                Interrupts.interrupt,
                self.turn,
                action="interrupt the turn",
                seconds=INTERRUPT_SECONDS,
            )
        except XoError as error:
            log.warning("%s: %s", self.owner.info.name, error.message)
        spent = self._clock.monotonic() - started
        await asyncio.wait({pump}, timeout=max(0.0, INTERRUPT_SECONDS - spent))

    def _terminal_of(self, pump: asyncio.Task[None]) -> Event:
        if stopped := stopped_event(self.resolved, self._stop_reason or "", self.terminal):
            return stopped
        if pump.cancelled():
            text = "run() raised CancelledError: only the host cancels"
            return error_of(self.resolved, PluginError(text))
        error = pump.exception()
        return error_of(self.resolved, error) if error else self.terminal or Done()

    def _encodable(self, terminal: Event) -> Event:
        """Return the terminal event, or an error in its place when it can't be encoded: without a
        terminal entry readers would wait for ever."""
        try:
            self._entry(terminal)
        except (AttributeError, TypeError, ValueError) as error:
            return error_of(self.resolved, error)
        return terminal

    def _emit(self, event: Event) -> None:
        self._append(event)
        if event.name in INTERACTION_EVENTS:
            self.interactions.record(event)
        if event.name in OBSERVED_EVENTS:
            self._silence.observe(event)
            for observe in self._observers:
                observe(event)

    def _append(self, event: Event) -> None:
        self._silence.restart()
        entry = self._entry(event)
        self.stream.append(entry, terminal=event.terminal)
        if self._assembler:
            self._assembler.add(entry, self._clock.now())
        self._eventlog.mark_dirty(self.stream)

    def _entry(self, event: Event) -> Entry:
        return entry_of(event.name, _encode(event.data(self.turn.session_id)))


def _encode(data: Json) -> bytes:
    try:
        return orjson.dumps(data)
    except TypeError:
        # lone surrogates, huge integers and foreign objects: rare, and never worth a lost event
        text = json.dumps(data, ensure_ascii=False, default=str)
        return text.encode("utf-8", "replace").replace(b"\n", b" ")
