"""One turn on one process: send the prompt, read records until the end, pass answers on.

It owns one short task: the look at what the process had started before the turn's first tool.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    NotFound,
    TextDelta,
    Turn,
    TurnAnswer,
)
from xo_runtime_claude import approvals as asks
from xo_runtime_claude import failures
from xo_runtime_claude.approvals import Ask
from xo_runtime_claude.options import Options
from xo_runtime_claude.prompt import control, prompt_text, user_record
from xo_runtime_claude.translate import (
    Ended,
    Item,
    RequestCancelled,
    Translator,
    UnsupportedRequest,
)
from xo_runtime_claude.warm_process import WarmProcess

TOOL_PATIENCE = 3
BROKEN_SECONDS = 5.0
SETTLE_SECONDS = 10.0
IN_USE = "is already in use"


class WrongStart(Exception):
    """The session is to be started the other way: new instead of resumed, or the reverse."""


class NoWarmStart(Exception):
    """The CLI ended before it answered to `initialize`: it may not know the protocol."""


class TurnRun:
    """A turn in progress."""

    def __init__(
        self, turn: Turn, warm: WarmProcess, options: Options, *, cold: bool = False
    ) -> None:
        self.turn = turn
        self.ended = False
        self.reusable = False
        self._warm = warm
        self._options = options
        self._cold = cold
        self._prompt_id = str(uuid.uuid4())
        waits = warm.turns > 0 and warm.lifecycle
        self._translator = Translator(self._prompt_id, warm.meter, waits=waits)
        self._asked: dict[str, Ask] = {}
        self._clock: asyncio.Timeout | None = None
        self._until = asyncio.get_running_loop().time() + options.turn_seconds
        self._said = False
        self._earlier: asyncio.Task[frozenset[int]] | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the turn. Raises `AgentFailure`, or before any event `WrongStart`, `NoWarmStart`."""
        try:
            await self._begin()
            async for lines in self._batches():
                for item in self._translator.items(lines):
                    if type(item) is TextDelta:
                        self._said = True
                        yield item
                    elif isinstance(item, Ended):
                        yield await self._finish(item)
                        return
                    else:
                        async for event in self._take(item):
                            self._said = True
                            yield event
                self._look()
            if not self._translator.background.settling:
                await self._broken()
            yield await self._finish(self._translator.settle())
        finally:
            if self._earlier:
                self._earlier.cancel()

    async def interrupt(self) -> None:
        """Ask the CLI to stop this turn; its `result` ends `events`."""
        self._translator.interrupted = True
        if not self.ended and not self._cold:
            await self._warm.send(control(f"stop-{self._prompt_id}", "interrupt"))

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when nothing waits for it."""
        ask = self._asked.pop(call_id, None)
        if ask is None or self.ended:
            raise NotFound("Claude Code no longer waits for this answer.")
        self._rewind_clock()
        await self._warm.send(asks.response(ask, answer))

    async def _begin(self) -> None:
        try:
            await self._start()
        except AgentFailure as failure:
            if failure.code != "crashed":
                raise
            # it ended before it read the prompt: its stderr says why, its stdout may say more
            self._until = min(self._until, asyncio.get_running_loop().time() + BROKEN_SECONDS)

    async def _start(self) -> None:
        warm, turn = self._warm, self.turn
        text = prompt_text(turn)
        if self._cold:
            await warm.process.write(text.encode())
            await warm.process.close_stdin()
            return
        await warm.send(*self._preparations(), user_record(self._prompt_id, text))
        warm.turns += 1

    def _preparations(self) -> Iterable[Mapping[str, Any]]:
        """Control requests before the prompt. The CLI works its input off in order, so nothing
        has to wait for an answer."""
        warm, turn = self._warm, self.turn
        if warm.turns == 0:
            yield control("initialize", "initialize")
        mode = "plan" if turn.mode == "plan" else "default"
        if warm.mode != mode:
            yield control(f"mode-{self._prompt_id}", "set_permission_mode", mode=mode)
            warm.mode = mode
        if warm.model != turn.model:
            yield control(f"model-{self._prompt_id}", "set_model", model=turn.model)
            warm.model = turn.model
        if warm.stale_skills:
            yield control(f"skills-{self._prompt_id}", "reload_skills")
            warm.stale_skills = False

    async def _batches(self) -> AsyncIterator[list[bytes]]:
        while True:
            deadline = self._deadline()
            try:
                async with asyncio.timeout_at(deadline) as self._clock:
                    lines = await anext(self._warm.lines, None)
            except TimeoutError:
                if self._translator.background.settling:
                    return
                raise self._late() from None
            if lines is None:
                return
            yield lines

    def _deadline(self) -> float:
        if self._asked:
            return self._until
        now = asyncio.get_running_loop().time()
        behind = self._translator.background
        if behind.settling:
            return min(self._until, now + SETTLE_SECONDS)
        patience = TOOL_PATIENCE if self._translator.tools_running or behind.agents else 1
        return min(self._until, now + self._options.silent_seconds * patience)

    def _rewind_clock(self) -> None:
        if self._clock and not self._clock.expired():
            self._clock.reschedule(self._deadline())

    def _late(self) -> AgentFailure:
        if asyncio.get_running_loop().time() >= self._until:
            return failures.too_long(self._options.turn_seconds)
        return failures.silent(self._options.silent_seconds)

    def _look(self) -> None:
        # `init` comes when MCP servers are up and no tool runs yet
        if self._translator.initialised and self._earlier is None and not self._cold:
            self._earlier = asyncio.create_task(
                self._warm.process.descendants(), name=f"look {self.turn.stream_id}"
            )

    async def _take(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case Ask():
                async for event in self._ask(item):
                    yield event
            case RequestCancelled(request_id=request_id):
                for call_id, ask in list(self._asked.items()):
                    if ask.request_id == request_id:
                        del self._asked[call_id]
                        yield asks.withdrawn(ask)
            case UnsupportedRequest(request_id=request_id):
                await self._warm.send(asks.unknown(request_id))
            case Event():
                yield item

    async def _ask(self, ask: Ask) -> AsyncIterator[Event]:
        rule = asks.rule_for(ask, self.turn.permissions, self.turn.mode)
        if rule == "allow":
            await self._warm.send(asks.allow(ask))
        elif rule == "deny":
            await self._warm.send(asks.deny(ask, asks.DENIED))
        else:
            self._asked[ask.call_id] = ask
            yield asks.event_of(ask)

    async def _finish(self, end: Ended) -> Done:
        self.ended = True
        # `/clear` moves the process to a session of its own making
        self.reusable = self._translator.session_id in {"", self.turn.session_id}
        behind = self._translator.background
        if behind.agents or (behind.held and self._translator.interrupted):
            self.reusable = False  # a subagent at work ends with its process alone
        self._warm.lifecycle = self._translator.lifecycle
        self._warm.mode = self._translator.mode or self._warm.mode
        if end.wrong_session and not self._said:
            raise WrongStart
        if self._translator.interrupted:
            await self._sweep()
        if isinstance(end.final, AgentFailure):
            raise end.final
        return end.final

    async def _sweep(self) -> None:
        """Kill what this turn's tools left behind; what was there before stays."""
        if self._earlier:
            await self._warm.process.kill_descendants(spare=await self._earlier)

    async def _broken(self) -> None:
        """Say why stdout ended before the turn did."""
        returncode = await self._warm.process.wait(1.0)
        stderr = self._warm.process.stderr_tail
        self.ended = True
        if not self._said and IN_USE in stderr:
            raise WrongStart
        if not self._said and not self._translator.ready and not self._cold:
            raise NoWarmStart(stderr)
        raise failures.process_failure(returncode, stderr)
