"""One turn on one process: send the prompt, read records until the end, pass answers on.

It owns one short task, which lists what the process had started before the turn's first tool.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator

from xo_cowork_core.sdk import AgentFailure, Done, Event, TextDelta, Turn, TurnAnswer
from xo_cowork_core.sdk.kit import PendingAnswers, TurnDeadline, TurnLimits, process_failure
from xo_runtime_claude.options import Options
from xo_runtime_claude.process.warm_process import WarmProcess
from xo_runtime_claude.run import approvals
from xo_runtime_claude.run.approvals import ApprovalRequest
from xo_runtime_claude.run.translator import (
    Item,
    RequestCancelled,
    Translator,
    TurnEnd,
    UnsupportedRequest,
)

TITLE = "Claude Code"
BROKEN_PIPE_SECONDS = 5.0
SETTLE_SECONDS = 10.0
ID_IN_USE = "is already in use"


class SessionMismatch(Exception):
    """The CLI was started to create a session that it has, or to resume one that it hasn't."""


class HandshakeFailed(Exception):
    """The CLI ended before it answered to `initialize`: it may not support the protocol."""


class TurnRun:
    """A turn that is running. `is_reusable` is set at the end: whether its process can run
    another turn."""

    def __init__(
        self, turn: Turn, warm: WarmProcess, options: Options, *, cold: bool = False
    ) -> None:
        self.turn = turn
        self.is_reusable = False
        self._warm = warm
        self._cold = cold
        self._prompt_id = str(uuid.uuid4())
        waits = warm.had_turns and warm.reports_lifecycle
        self._translator = Translator(self._prompt_id, warm.meter, waits=waits)
        self._pending = PendingAnswers[ApprovalRequest](TITLE)
        limits = TurnLimits(options.silent_seconds, options.turn_seconds)
        self._deadline = TurnDeadline(TITLE, limits)
        self._read_timeout: asyncio.Timeout | None = None
        self._ended = False
        self._has_events = False
        self._earlier_processes: asyncio.Task[frozenset[int]] | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the turn. Raises `AgentFailure`, or before any event `SessionMismatch` or
        `HandshakeFailed`."""
        try:
            await self._send_prompt()
            async for lines in self._batches():
                for item in self._translator.items(lines):
                    if type(item) is TextDelta:
                        self._has_events = True
                        yield item
                    elif isinstance(item, TurnEnd):
                        yield await self._finish(item)
                        return
                    else:
                        event = await self._handle(item)
                        if event:
                            self._has_events = True
                            yield event
                self._list_earlier_processes()
            if not self._translator.background.is_settling:
                await self._raise_exit()
            yield await self._finish(self._translator.settle())
        finally:
            if self._earlier_processes:
                self._earlier_processes.cancel()

    async def interrupt(self) -> None:
        """Request that the CLI stops this turn; its `result` ends `events`."""
        self._translator.interrupted = True
        if not self._ended and not self._cold:
            await self._warm.interrupt(self._prompt_id)

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when nothing waits for it."""
        request = self._pending.take(call_id)
        self._deadline.note_progress()
        if self._read_timeout and not self._read_timeout.expired():
            self._read_timeout.reschedule(self._give_up_at())
        await self._warm.respond(approvals.response(request, answer))

    async def _send_prompt(self) -> None:
        try:
            if self._cold:
                await self._warm.start_only_turn(self.turn)
            else:
                await self._warm.start_turn(self.turn, self._prompt_id)
        except AgentFailure as failure:
            if failure.code != "crashed":
                raise
            # it ended before it read the prompt: stderr has the reason, stdout may have details
            self._deadline.limit_to(BROKEN_PIPE_SECONDS)

    async def _batches(self) -> AsyncIterator[list[bytes]]:
        while True:
            self._deadline.note_progress()
            try:
                async with asyncio.timeout_at(self._give_up_at()) as self._read_timeout:
                    lines = await anext(self._warm.lines, None)
            except TimeoutError:
                if self._translator.background.is_settling:
                    return
                raise self._deadline.failure() from None
            if lines is None:
                return
            yield lines

    def _give_up_at(self) -> float | None:
        if self._pending:
            return self._deadline.end
        background = self._translator.background
        if background.is_settling:
            return self._deadline.at(seconds=SETTLE_SECONDS)
        tools_running = self._translator.tools_running or background.agents > 0
        return self._deadline.at(tools_running=tools_running)

    def _list_earlier_processes(self) -> None:
        # `init` comes when MCP servers are up and no tool runs yet
        if self._translator.initialised and self._earlier_processes is None and not self._cold:
            self._earlier_processes = asyncio.create_task(
                self._warm.process.descendants(), name=f"descendants {self.turn.stream_id}"
            )

    async def _handle(self, item: Item) -> Event | None:
        match item:
            case ApprovalRequest():
                return await self._ask(item)
            case RequestCancelled(request_id=request_id):
                if requests := self._pending.cancel(request_id):
                    return approvals.withdrawal_event(requests[0])
            case UnsupportedRequest(request_id=request_id):
                await self._warm.respond(approvals.unsupported(request_id))
            case Event():
                return item
        return None

    async def _ask(self, request: ApprovalRequest) -> Event | None:
        rule = approvals.rule_for(request, self.turn.permissions, self.turn.mode)
        if rule == "allow":
            await self._warm.respond(approvals.allow(request))
        elif rule == "deny":
            await self._warm.respond(approvals.deny(request, approvals.DENIED))
        else:
            self._pending.add(request.call_id, request, request_id=request.request_id)
            return approvals.request_event(request)
        return None

    async def _finish(self, end: TurnEnd) -> Done:
        self._close()
        translator = self._translator
        # `/clear` moves the process to a session of its own making
        self.is_reusable = translator.session_id in {"", self.turn.session_id}
        background = translator.background
        if background.agents or (background.held and translator.interrupted):
            self.is_reusable = False  # a running subagent ends only with its process
        self._warm.note_turn_end(translator.mode, reports_lifecycle=translator.reports_lifecycle)
        if end.session_mismatch and not self._has_events:
            raise SessionMismatch
        if translator.interrupted:
            await self._kill_leftovers()
        if isinstance(end.final, AgentFailure):
            raise end.final
        return end.final

    def _close(self) -> None:
        self._ended = True
        self._pending.close()

    async def _kill_leftovers(self) -> None:
        """Kill what this turn's tools left running; what was there before stays."""
        if self._earlier_processes:
            spare = await self._earlier_processes
            await self._warm.process.kill_descendants(spare=spare)

    async def _raise_exit(self) -> None:
        """Raise why the process's stdout ended before the turn did."""
        returncode = await self._warm.process.wait(1.0)
        stderr = self._warm.process.stderr_tail
        self._close()
        if not self._has_events and ID_IN_USE in stderr:
            raise SessionMismatch
        if not self._has_events and not self._translator.answered_initialize and not self._cold:
            raise HandshakeFailed(stderr)
        raise process_failure(TITLE, returncode, stderr)
