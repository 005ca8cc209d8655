"""One turn on the gateway: send the prompt, read events to the end, pass answers on.

It owns no task. A run of the gateway outlives the connection: after a drop it is looked up again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    NotFound,
    PermissionAnswer,
    Turn,
    TurnAnswer,
)
from xo_runtime_openclaw.gateway.frames import Refused, Row
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.run_events import RunEvents
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.run import approvals, failures
from xo_runtime_openclaw.run.approvals import Asked, Settled
from xo_runtime_openclaw.run.commands import RunCommands
from xo_runtime_openclaw.run.prompt import send_params
from xo_runtime_openclaw.run.run_recovery import RunRecovery
from xo_runtime_openclaw.run.translator import Ended, Item, Translator

TOOL_PATIENCE = 3
ABORT_SECONDS = 2.0
ABORT_PAUSE_SECONDS = 0.1
USAGE_SECONDS = 0.5
OWN_KEY = ":xo:"


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
        self._translator = Translator()
        self._reattach = RunRecovery(gateway, self._translator, key, run_id)
        self._asked: dict[str, Asked] = {}
        self._sent = False
        self._ended = False
        self._untidy = False  # it was stopped, and what its commands left may live
        self._marks = (0, 0.0)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Run the turn. Raises `AgentFailure`."""
        feed = self._gateway.watch(self.run_id, self.key)
        try:
            await self._begin(feed)
            async for item in self._items(feed):
                if isinstance(item, Ended):
                    self._ended = True
                    await self._tidy()
                    if isinstance(item.final, AgentFailure):
                        raise item.final
                    yield item.final
                    return
                async for event in self._take(item):
                    yield event
        finally:
            self._gateway.forget(feed)
            if self._sent and not self._ended:
                await self._abort()
            await self._tidy()

    async def interrupt(self) -> None:
        """Ask the gateway to stop the run; its `aborted` event ends `events`."""
        self._translator.interrupted = True
        if self._sent and not self._ended:
            await self._abort()

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when nothing waits for it."""
        asked = self._asked.pop(call_id, None)
        if asked is None or self._ended:
            raise NotFound("OpenClaw no longer waits for this answer.")
        allow = isinstance(answer, PermissionAnswer) and answer.allow
        try:
            await self._decide(asked, allow=allow)
        except Refused as refused:
            raise NotFound(f"OpenClaw no longer waits for this answer: {refused.text}") from None

    async def _begin(self, feed: RunEvents) -> None:
        if self._translator.interrupted:
            feed.break_off()
            return
        params = await send_params(self.turn, self.key, self.run_id)
        if OWN_KEY in self.key:
            # ends what an earlier server left running in this session
            params["queueMode"] = "interrupt"
        try:
            await self._reattach.subscribe()
            self._sent = True
            await self._gateway.call("chat.send", params)
        except GatewayUnavailable as reason:
            if not self._sent and reason.kind != "starting":
                raise
            # whether it arrived is unknown; the same key never runs twice
            await self._reattach.connect()
            await self._gateway.call("chat.send", params)
        if self._translator.interrupted:
            await self._abort()

    async def _items(self, feed: RunEvents) -> AsyncIterator[Item]:
        if self._translator.interrupted and not self._sent:
            yield self._translator.done("aborted")
            return
        self._marks = (0, _now())
        while True:
            try:
                async with asyncio.timeout_at(self._deadline()):
                    notices = await feed.take()
            except TimeoutError:
                if _now() >= self._deadline():
                    raise self._late() from None
                continue
            for notice in notices:
                for item in self._translator.items(notice):
                    if isinstance(item, Ended):
                        await self._await_usage(feed)
                        yield self._final(item)
                        return
                    yield item
            if feed.broken:
                feed.mend()
                self._translator.missed = True
                async for item in self._reattach.items():
                    yield item

    async def _await_usage(self, feed: RunEvents) -> None:
        """Wait a moment for the figures of the last model call, where they come after the end."""
        try:
            async with asyncio.timeout(USAGE_SECONDS):
                while self._translator.steps.open and not feed.broken:
                    for notice in await feed.take():
                        list(self._translator.items(notice))
        except TimeoutError:
            pass

    def _final(self, ended: Ended) -> Ended:
        if isinstance(ended.final, Done):
            return self._translator.done(ended.final.finish_reason)
        return ended

    def _deadline(self) -> float:
        translator = self._translator
        if translator.progress != self._marks[0]:
            self._marks = (translator.progress, _now())
        if self._asked:
            return _now() + self._silent
        patience = TOOL_PATIENCE if translator.tools_running else 1
        return self._marks[1] + self._silent * patience

    def _late(self) -> AgentFailure:
        if self._translator.failing:
            return failures.gave_up(self._translator.failing, self._silent)
        return failures.silent(self._silent)

    async def _take(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case Asked():
                rule = self.turn.permissions.run_commands
                if rule == "ask" and item.call_id not in self._asked:
                    self._asked[item.call_id] = item
                    yield approvals.event_of(item)
                elif rule != "ask":
                    await self._decide(item, allow=rule == "allow")
            case Settled(id=number):
                for call_id, asked in list(self._asked.items()):
                    if asked.id == number:
                        del self._asked[call_id]
                        yield approvals.withdrawn(asked)
            case Event():
                yield item

    async def _decide(self, asked: Asked, *, allow: bool) -> None:
        await self._gateway.call(approvals.RESOLVE, approvals.decision(asked, allow=allow))

    async def _abort(self) -> None:
        """Stop the run on the gateway, also over a connection that comes back within a moment."""
        self._untidy = True
        params = {"sessionKey": self.key, "runId": self.run_id}
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                while True:
                    if await self._aborted(params):
                        return
                    await asyncio.sleep(ABORT_PAUSE_SECONDS)
        except TimeoutError:
            # gone with the gateway; if not, its next start finds the run
            return

    async def _tidy(self) -> None:
        """End what a stopped run's commands left. Begun anew when it is cut off."""
        if self._untidy and self._translator.may_have_worked:
            await self._commands.end()
        self._untidy = False

    async def _aborted(self, params: Row) -> bool:
        """Ask once; False when nobody heard."""
        try:
            await self._gateway.call("chat.abort", params)
        except Refused:
            return True  # over already
        except GatewayUnavailable as reason:
            return reason.kind not in {"unreachable", "starting"}
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
