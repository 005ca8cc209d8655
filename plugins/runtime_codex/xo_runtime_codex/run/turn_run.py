"""One turn on a server: start it, read records until its end, pass answers on, stop it.

It owns no task. Whatever way `events` is left, the thread is quiet afterwards, or its server is
given up.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    NotFound,
    PlanAnswer,
    TextDelta,
    Turn,
    TurnAnswer,
)
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.protocol.attachments import images
from xo_runtime_codex.protocol.parameters import overflow, prompt_text, turn_parameters
from xo_runtime_codex.run import approvals as asks
from xo_runtime_codex.run.approvals import Ask
from xo_runtime_codex.run.translator import (
    Ended,
    Item,
    RequestResolved,
    Translator,
    UnsupportedRequest,
)
from xo_runtime_codex.run.turn_deadline import TurnDeadline
from xo_runtime_codex.server.app_server import AppServer, Thread
from xo_runtime_codex.server.json_rpc import Refused
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue

STOP_SECONDS = 2.0
GO_ON = "The plan is accepted. Carry it out."
THINK_AGAIN = "Think again and change the plan."


class TurnRun:
    """A turn in progress."""

    def __init__(self, turn: Turn, thread_id: str, server: AppServer, options: Options) -> None:
        self.turn = turn
        self._thread_id = thread_id
        self._server = server
        self._patience = TurnDeadline(options)
        self._translator = Translator()
        self._asked: dict[str, Ask] = {}
        self._plan: asyncio.Future[PlanAnswer | None] | None = None
        self._interrupted = False
        self._active = False
        self._untidy = False
        self._spoilt = False
        self._clock: asyncio.Timeout | None = None

    @property
    def turn_id(self) -> str:
        """Codex's name for what runs, empty before it does."""
        return self._translator.turn_id

    @property
    def harmless(self) -> bool:
        """Say whether nothing but words came of this turn, so that it may be begun anew."""
        return not (self._translator.acted or self._interrupted or self._plan)

    @property
    def spoilt(self) -> bool:
        """Say whether something of this turn may still go on, so that its server is given up."""
        return self._spoilt or self._untidy

    async def events(self, thread: Thread) -> AsyncGenerator[Event, None]:
        """Run the turn on its loaded thread. Raises `AgentFailure`."""
        link = self._server.link
        inbox = link.open(self._thread_id)
        self._server.busy.add(self._thread_id)
        try:
            text, plan, ended = prompt_text(self.turn), self.turn.mode == "plan", False
            while not ended:
                await self._begin(thread, text, plan=plan)
                async for event in self._told(inbox):
                    yield event
                review = self._review(plan=plan)
                if review:
                    yield review
                answer = await self._plan_answer() if review else None
                ended = answer is None or answer.action == "stop"
                if answer:
                    plan = answer.action == "revise"
                    text = (answer.feedback or THINK_AGAIN) if plan else GO_ON
            await self._decline_rest()
            yield self._done(thread)
        finally:
            await self._quiet(inbox)
            self._server.busy.discard(self._thread_id)
            link.close(self._thread_id, inbox)

    async def interrupt(self) -> None:
        """Ask Codex to stop this turn; its end ends `events`."""
        self._interrupted = True
        if self._plan and not self._plan.done():
            self._plan.set_result(None)
        if self._active:
            await self._stop()

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when nothing waits for it."""
        if isinstance(answer, PlanAnswer):
            if self._plan is None or self._plan.done():
                raise NotFound("Codex no longer waits for this answer.")
            self._plan.set_result(answer)
            return
        ask = self._asked.pop(call_id, None)
        if ask is None or not self._active:
            raise NotFound("Codex no longer waits for this answer.")
        self._rewind_clock()
        await self._server.link.reply(ask.record, asks.result_of(ask, answer))

    async def _begin(self, thread: Thread, text: str, *, plan: bool) -> None:
        parameters = turn_parameters(
            self.turn, self._thread_id, text, model=thread.model, effort=thread.effort, plan=plan
        )
        if not self._translator.turn_id:
            parameters["input"] += images(self.turn)
        # from here on it may run, though nobody has heard so
        self._active = True
        try:
            if more := overflow(text):
                injected = {"threadId": self._thread_id, "items": more}
                await self._server.link.request("thread/inject_items", injected)
            result = await self._server.link.request("turn/start", parameters)
        except Refused as error:
            self._active = False
            raise AgentFailure(f"Codex refused the turn: {error}", code="bad_request") from error
        begun = result.get("turn")
        self._translator.turn_id = str(begun.get("id") if isinstance(begun, dict) else "")
        self._translator.plan = ""
        if self._interrupted:
            await self._stop()

    async def _told(self, inbox: ThreadQueue) -> AsyncIterator[Event]:
        async for records in self._batches(inbox):
            for item in self._translator.items(records):
                if type(item) is TextDelta:
                    yield item
                elif isinstance(item, Ended):
                    await self._ended(item)
                    return
                else:
                    async for event in self._take(item):
                        yield event
        raise inbox.failure or failures.process_failure(None, "")

    async def _batches(self, inbox: ThreadQueue) -> AsyncIterator[Sequence[Record]]:
        while True:
            progress = self._translator.progress
            try:
                async with asyncio.timeout_at(self._deadline()) as self._clock:
                    records = await inbox.get()
            except TimeoutError:
                raise self._patience.late(self._translator.retrying) from None
            if records is None:
                return
            yield records
            if self._translator.progress != progress:
                self._patience.heard()

    def _deadline(self) -> float:
        if self._asked:
            return self._patience.until
        shown = self._translator
        return self._patience.deadline(retrying=shown.retrying, tools_running=shown.tools_running)

    def _rewind_clock(self) -> None:
        self._patience.heard()
        if self._clock and not self._clock.expired():
            self._clock.reschedule(self._deadline())

    async def _take(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case Ask():
                async for event in self._ask(item):
                    yield event
            case RequestResolved(request_id=request_id):
                for call_id, ask in list(self._asked.items()):
                    if ask.record["id"] == request_id:
                        del self._asked[call_id]
                        yield asks.withdrawn(ask)
            case UnsupportedRequest(record=record):
                await self._server.link.refuse(record)
            case Event():
                yield item

    async def _ask(self, ask: Ask) -> AsyncIterator[Event]:
        rule = asks.rule_for(ask, self.turn.permissions)
        if rule == "ask" and ask.call_id not in self._asked:
            self._asked[ask.call_id] = ask
            yield asks.event_of(ask)
        else:
            allow = rule == "allow"
            await self._server.link.reply(ask.record, asks.decision(ask, allow=allow))

    async def _decline_rest(self) -> None:
        """Let subagents that still ask go on: with this turn goes whoever could answer."""
        for ask in self._asked.values():
            await self._server.link.reply(ask.record, asks.refusal(ask))

    async def _ended(self, end: Ended) -> None:
        self._active = False
        self._server.proved = True
        if end.status == "interrupted" or self._interrupted:
            self._interrupted = self._untidy = True
            await self._tidy()
        elif end.failure:
            raise end.failure

    def _review(self, *, plan: bool) -> Event | None:
        shown = self._translator
        if not (plan and shown.plan.strip()) or self._interrupted:
            return None
        self._plan = asyncio.get_running_loop().create_future()
        return asks.plan_event(shown.plan_id, shown.plan)

    async def _plan_answer(self) -> PlanAnswer | None:
        assert self._plan
        try:
            async with asyncio.timeout_at(self._patience.until):
                return await self._plan
        except TimeoutError:
            raise self._patience.late("") from None

    def _done(self, thread: Thread) -> Done:
        model = self._translator.model or self.turn.model or thread.model
        reason = "aborted" if self._interrupted else "stop"
        return Done(reason, self._translator.tokens, None, model or None, thread.provider or None)

    async def _stop(self) -> None:
        with suppress(Refused):  # it may have ended just now
            await self._server.interrupt(self._thread_id, self._translator.turn_id)

    async def _quiet(self, inbox: ThreadQueue) -> None:
        """Make sure that a turn that was left early has ended on the server too: the next one
        would join it."""
        if not self._server.alive:
            return
        if self._active:
            self._untidy = self._spoilt = True
            self._server.stuck.add(self._thread_id)
            if await self._obeys(inbox):
                self._server.stuck.discard(self._thread_id)
                self._spoilt = False
        if self._untidy:
            await self._tidy()

    async def _obeys(self, inbox: ThreadQueue) -> bool:
        """Stop the turn; say whether it ended."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._stop()
                while records := await inbox.get():
                    if any(isinstance(item, Ended) for item in self._translator.items(records)):
                        return True
        except (TimeoutError, AgentFailure):
            return False
        return False

    async def _tidy(self) -> None:
        """End all that works for the session. Begun anew in `_quiet` when it is cut off."""
        if not self._spoilt:
            await self._server.stop_work(self._thread_id)
        if not await self._server.end_commands(self._thread_id):
            self._spoilt = True
        self._untidy = False
