"""One turn on the gateway: send the prompt, read events to the end, forward answers.

Owns no task. A run survives its connection: after a drop, `RunRecovery` finds it again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    NotFound,
    PermissionAnswer,
    Turn,
    TurnAnswer,
)
from xo_cowork_core.sdk.kit import PendingAnswers, TurnDeadline, TurnLimits
from xo_runtime_openclaw.gateway.frames import GatewayError, GatewayEvent, Row
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.run_events import RunEvents
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.run import approvals, failures
from xo_runtime_openclaw.run.approvals import ApprovalRequest, ApprovalResolved
from xo_runtime_openclaw.run.commands import RunCommands
from xo_runtime_openclaw.run.prompt import send_params
from xo_runtime_openclaw.run.run_recovery import RunRecovery
from xo_runtime_openclaw.run.translator import Item, RunEnded, Translator

ABORT_SECONDS = 2.0
ABORT_PAUSE_SECONDS = 0.1
USAGE_SECONDS = 0.5
OWN_KEY = ":xo:"


class PromptSkipped(Exception):
    """The gateway did not run the prompt: it is about to continue an interrupted run."""


class TurnRun:
    """A turn in progress."""

    def __init__(
        self,
        turn: Turn,
        key: str,
        run_id: str,
        *,
        gateway: Gateway,
        commands: RunCommands,
        silent: float,
    ) -> None:
        self.turn = turn
        self.key = key
        self.run_id = run_id
        self._gateway = gateway
        self._commands = commands
        self._silent = silent
        self._deadline = TurnDeadline("OpenClaw", TurnLimits(silent=silent))
        self._timeout: asyncio.Timeout | None = None
        self._translator = Translator()
        self._recovery = RunRecovery(gateway, self._translator, key, run_id)
        self._pending: PendingAnswers[ApprovalRequest] = PendingAnswers("OpenClaw")
        self._is_sent = False
        self._is_ended = False
        self._has_leftovers = False  # stopped, and its commands may still run

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the turn. Raises `AgentFailure`, `PromptSkipped`."""
        events = self._gateway.watch(self.run_id, self.key)
        try:
            await self._start(events)
            async for item in self._items(events):
                if isinstance(item, RunEnded):
                    self._is_ended = True
                    self._pending.close()
                    await self._end_leftovers()
                    if item.final is None:
                        raise PromptSkipped
                    if isinstance(item.final, AgentFailure):
                        raise item.final
                    yield item.final
                    return
                async for event in self._handle(item):
                    yield event
        finally:
            self._gateway.forget(events)
            try:
                if self._is_sent and not self._is_ended:
                    await self._abort()
            finally:
                await self._end_leftovers()

    async def interrupt(self) -> None:
        """Stop the run on the gateway; its `aborted` event ends `events`."""
        self._translator.interrupted = True
        if self._is_sent and not self._is_ended:
            await self._abort()

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Forward an answer. Raises `NotFound` when no request waits for it."""
        request = self._pending.take(call_id)
        self._note_answer()
        allow = isinstance(answer, PermissionAnswer) and answer.allow
        try:
            await self._resolve(request, allow=allow)
        except GatewayError as refused:
            raise NotFound(f"OpenClaw no longer waits for this answer: {refused.text}") from None

    async def _start(self, events: RunEvents) -> None:
        if self._translator.interrupted:
            events.mark_incomplete()
            return
        params = await send_params(self.turn, self.key, self.run_id)
        if OWN_KEY in self.key:
            # ends a run that an earlier server left in this session
            params["queueMode"] = "interrupt"
        try:
            await self._recovery.subscribe()
            self._is_sent = True
            await self._gateway.call("chat.send", params)
        except GatewayUnavailable as reason:
            if not self._is_sent and reason.kind != "starting":
                raise
            # the request may have arrived; the gateway runs an idempotency key once
            await self._recovery.connect()
            await self._gateway.call("chat.send", params)
        if self._translator.interrupted:
            await self._abort()

    async def _items(self, events: RunEvents) -> AsyncIterator[Item]:
        if self._translator.interrupted and not self._is_sent:
            yield self._translator.done("aborted")
            return
        self._deadline.note_progress()
        while True:
            progress = self._translator.progress
            for event in await self._take_batch(events):
                for item in self._translator.items(event):
                    if isinstance(item, RunEnded):
                        await self._await_usage(events)
                        yield self._final(item)
                        return
                    yield item
            if events.is_incomplete:
                events.reset()
                self._translator.has_missed_events = True
                async for item in self._recovery.items():
                    yield item
            if self._translator.progress != progress:
                self._deadline.note_progress()

    async def _take_batch(self, events: RunEvents) -> Sequence[GatewayEvent]:
        """Wait for events. Raises `AgentFailure` when the run is silent for too long."""
        try:
            async with asyncio.timeout_at(self._wake_time()) as self._timeout:
                return await events.take()
        except TimeoutError:
            raise failures.silent(self._silent, self._translator.failing) from None
        finally:
            self._timeout = None

    async def _await_usage(self, events: RunEvents) -> None:
        """Wait for the usage of the last model call, when it comes after the run's end."""
        try:
            async with asyncio.timeout(USAGE_SECONDS):
                while self._translator.steps.is_open and not events.is_incomplete:
                    for event in await events.take():
                        list(self._translator.items(event))
        except TimeoutError:
            pass

    def _final(self, ended: RunEnded) -> RunEnded:
        if isinstance(ended.final, Done):
            return self._translator.done(ended.final.finish_reason)
        return ended

    def _wake_time(self) -> float | None:
        """Return when to give the run up; None while the user decides."""
        if self._pending:
            return None
        return self._deadline.at(tools_running=self._translator.tools_running)

    def _note_answer(self) -> None:
        """Count an answer of the user as progress, also in a wait that has begun."""
        self._deadline.note_progress()
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._wake_time())

    async def _handle(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case ApprovalRequest():
                rule = self.turn.permissions.run_commands
                if rule == "ask" and item.call_id not in self._pending:
                    self._pending.add(item.call_id, item, request_id=item.id)
                    yield approvals.event_of(item)
                elif rule != "ask":
                    await self._resolve(item, allow=rule == "allow")
            case ApprovalResolved(id=request_id):
                for request in self._pending.cancel(request_id):
                    yield approvals.withdrawn(request)
            case Event():
                yield item

    async def _resolve(self, request: ApprovalRequest, *, allow: bool) -> None:
        await self._gateway.call(approvals.RESOLVE, approvals.decision(request, allow=allow))

    async def _abort(self) -> None:
        """Stop the run, also over a connection that comes back within `ABORT_SECONDS`."""
        self._has_leftovers = True
        params = {"sessionKey": self.key, "runId": self.run_id}
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                while True:
                    if await self._aborted(params):
                        return
                    await asyncio.sleep(ABORT_PAUSE_SECONDS)
        except TimeoutError:
            # the next start of the gateway stops the run, if it still exists
            return

    async def _end_leftovers(self) -> None:
        """End the commands that a stopped run left; repeated after a cancel."""
        if self._has_leftovers and self._translator.may_have_called_tool:
            await self._commands.end()
        self._has_leftovers = False

    async def _aborted(self, params: Row) -> bool:
        """Send one abort request; False when it did not reach the gateway."""
        try:
            await self._gateway.call("chat.abort", params)
        except GatewayError:
            return True  # the run has ended
        except GatewayUnavailable as reason:
            return reason.kind not in {"unreachable", "starting"}
        return True
