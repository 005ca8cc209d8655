"""One flow in memory: applies events to its state and has the actions that follow performed.

Owns at most one task for the action that runs, one for each text that is passed on, and one that
releases what the flow held; `close` ends them.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping

from pydantic import SecretStr

from xo_cowork_core.sdk import XoError
from xo_cowork_core.sdk.connector import OutputStream
from xo_cowork_core.services.auth_flows import texts
from xo_cowork_core.services.auth_flows.actions import (
    Action,
    ExchangeCode,
    Identify,
    PassInput,
    Prepare,
    Reject,
    Release,
    StopWork,
)
from xo_cowork_core.services.auth_flows.events import CallbackReceived, Event, StepFailed
from xo_cowork_core.services.auth_flows.failures import failure_of
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.flow_work import FlowWork
from xo_cowork_core.services.auth_flows.programs.flow_output import FlowOutput
from xo_cowork_core.services.auth_flows.step import step
from xo_cowork_core.services.auth_flows.tools import FlowTools
from xo_cowork_core.services.auth_flows.views import CallbackResult, FlowUpdate, OutputLine

CALLBACK_SECONDS = 20.0
REOPEN_SECONDS = 2.0
BUSY_STATES = frozenset({"starting", "exchanging", "verifying"})
log = logging.getLogger("xo_cowork.auth_flows")


class ActiveFlow:
    """A flow with what it holds: a listener, a program, tasks."""

    def __init__(
        self,
        flow: Flow,
        tools: FlowTools,
        *,
        on_change: Callable[[], None],
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        """Call `on_change` after each event. `flush` writes the flow to the disk."""
        self.flow = flow
        self._flush = flush
        self._clock = tools.clock
        self._worker = FlowWork(tools, self)
        self._on_change = on_change
        self._changed = asyncio.Event()
        self._is_closed = False
        self.output = FlowOutput()
        self._work: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Prepare a new flow."""
        if not self.flow.is_over:
            self._perform(Prepare())

    async def reopened(self) -> None:
        """Wait until a flow of an earlier server listens again, or can't."""
        if self._work is not None and self.flow.state == "awaiting_user" and self.flow.redirect:
            await asyncio.wait({self._work}, timeout=REOPEN_SECONDS)

    def dispatch(self, event: Event) -> Reject | None:
        """Apply an event. Returns why a submitted text was not accepted."""
        self.flow, actions = step(self.flow, event, self._clock.now())
        rejection = None
        for action in actions:
            if isinstance(action, Reject):
                rejection = action
            else:
                self._perform(action)
        self._wake()
        self._on_change()
        return rejection

    def print(self, stream: OutputStream, line: str) -> None:
        """Add a line of a program's output."""
        self.output.add(OutputLine(stream, line))
        self._wake()

    async def follow(self) -> AsyncIterator[FlowUpdate]:
        """Yield the state and all lines, then each change, until the flow or the server ends."""
        position = 0
        while True:
            changed = self._changed
            view = self.flow.view()
            lines, position = self.output.since(position)
            yield FlowUpdate(view, lines)
            if view.is_over or self._is_closed:
                return
            await changed.wait()

    async def ended(self, seconds: float) -> Flow:
        """Return the flow once it has ended, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not self.flow.is_over:
                    await self._changed.wait()
        except TimeoutError:
            pass  # the caller sees the state
        return self.flow

    async def settled(self, seconds: float) -> Flow:
        """Return the flow once it waits for a person or has ended, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.flow.state in BUSY_STATES:
                    await self._changed.wait()
        except TimeoutError:
            pass  # the caller sees the state
        return self.flow

    async def answer(self, query: Mapping[str, str]) -> CallbackResult:
        """Take a browser's return, and wait for its outcome."""
        if not self.flow.has_state(query.get("state", "")):
            return CallbackResult(ok=False, message=texts.STRAY)
        rejection = self.dispatch(CallbackReceived(query))
        if rejection is not None:
            return CallbackResult(ok=False, message=texts.STRAY)
        flow = await self.settled(CALLBACK_SECONDS)
        if flow.state in BUSY_STATES:
            return CallbackResult(ok=True, message=texts.RETURN_LATER, flow=flow.view())
        is_done = flow.state == "completed"
        message = texts.RETURN_DONE if is_done else texts.RETURN_AGAIN
        return CallbackResult(ok=is_done, message=message, flow=flow.view())

    async def close(self) -> None:
        """End all tasks and free all that is held; the flow's state stays as it is."""
        self._is_closed = True
        self._wake()
        await self.released()
        tasks = [*self._tasks, *([self._work] if self._work else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._worker.free()

    async def released(self) -> None:
        """Wait until an ended flow holds nothing."""
        if self.flow.is_over and self._tasks:
            await asyncio.wait(self._tasks)

    def _perform(self, action: Action) -> None:
        match action:
            case Release():
                self._stop_work()
                self._worker.stop_listening()
                self._spawn(self._worker.free(), "release")
            case StopWork():
                self._stop_work()
            case PassInput(text):
                self._spawn(self._pass_input(text), "input")
            case _:
                self._stop_work()
                self._work = self._create_task(self._run(action), "work")

    async def _pass_input(self, text: SecretStr) -> None:
        try:
            await self._worker.pass_input(text)
        except XoError as error:
            self.dispatch(failure_of(error))

    async def _run(self, action: Action) -> None:
        if isinstance(action, ExchangeCode | Identify):
            # a code is sent once and tokens are received once, also when the server is killed now
            await self._flush()
        try:
            event = await self._worker.perform(action)
        except XoError as error:
            event = failure_of(error)
        if event is not None:
            self.dispatch(event)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _stop_work(self) -> None:
        work, self._work = self._work, None
        # the step that ends or replaces the work may be its own last one
        if work is not None and work is not asyncio.current_task():
            work.cancel()

    def _spawn(self, coroutine: Coroutine[None, None, None], name: str) -> None:
        task = self._create_task(coroutine, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _create_task(self, coroutine: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine, name=f"flow {self.flow.flow_id} {name}")
        task.add_done_callback(self._report)
        return task

    def _report(self, task: asyncio.Task[None]) -> None:
        """Fail the flow when its code does."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a sign-in to %s failed", self.flow.target, exc_info=error)
            self.dispatch(StepFailed("internal", texts.INTERNAL))
