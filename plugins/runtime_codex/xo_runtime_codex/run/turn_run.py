"""One turn on an app-server: start it, read its records to the end, stop it.

Owns no task. However `events` ends, no turn runs on the thread afterwards, or the server is
marked as unusable.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

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
from xo_cowork_core.sdk.kit import JsonRpcError, TurnDeadline
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.protocol.attachments import images
from xo_runtime_codex.protocol.parameters import overflow, prompt_text, turn_parameters
from xo_runtime_codex.run.approvals import ApprovalRequest
from xo_runtime_codex.run.interactions import TurnInteractions
from xo_runtime_codex.run.record_reader import RecordReader
from xo_runtime_codex.run.translator import (
    Item,
    RequestResolved,
    Translator,
    TurnEnded,
    UnsupportedRequest,
)
from xo_runtime_codex.server.app_server import AppServer, Thread
from xo_runtime_codex.server.thread_queue import ThreadQueue

STOP_SECONDS = 2.0
ACCEPT_PROMPT = "The plan is accepted. Carry it out."
REVISE_PROMPT = "Think again and change the plan."


class TurnRun:
    """A turn in progress. `sent_at` is when it was sent to the server (UTC), None before."""

    def __init__(self, turn: Turn, thread_id: str, server: AppServer, options: Options) -> None:
        self.turn = turn
        self.sent_at: datetime | None = None
        self._thread_id = thread_id
        self._server = server
        deadline = TurnDeadline("Codex", options.limits)
        self._translator = Translator()
        self._interactions = TurnInteractions(turn.permissions, server.peer, deadline)
        self._reader = RecordReader(self._translator, self._interactions, deadline)
        self._interrupted = False
        self._is_running = False
        self._has_leftovers = False
        self._is_server_unusable = False

    @property
    def turn_id(self) -> str:
        """The id of the Codex turn; empty before it starts."""
        return self._translator.turn_id

    @property
    def is_repeatable(self) -> bool:
        """True when the turn has produced text alone, so that a repeat does nothing twice."""
        has_acted = self._translator.called_tool or self._interactions.has_reviewed_plan
        return not (has_acted or self._interrupted)

    @property
    def is_server_unusable(self) -> bool:
        """True when work of this turn may still run on the server."""
        return self._is_server_unusable or self._has_leftovers

    async def events(self, thread: Thread) -> AsyncGenerator[Event, None]:
        """Run the turn on its loaded thread. Raises `AgentFailure`."""
        queue = self._server.router.open(self._thread_id)
        self._server.busy.add(self._thread_id)
        try:
            text, plan, ended = prompt_text(self.turn), self.turn.mode == "plan", False
            while not ended:
                await self._start(thread, text, plan=plan)
                async for event in self._items(queue):
                    yield event
                review = self._plan_event(plan=plan)
                if review:
                    yield review
                answer = await self._interactions.plan_answer() if review else None
                ended = answer is None or answer.action == "stop"
                if answer:
                    plan = answer.action == "revise"
                    text = (answer.feedback or REVISE_PROMPT) if plan else ACCEPT_PROMPT
            await self._interactions.decline_pending()
            yield self._done(thread)
        finally:
            await self._ensure_stopped(queue)
            self._server.busy.discard(self._thread_id)
            self._server.router.close(self._thread_id, queue)

    async def interrupt(self) -> None:
        """Interrupt the turn; its end ends `events`."""
        self._interrupted = True
        self._interactions.cancel_plan_review()
        if self._is_running:
            await self._stop()

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Forward an answer. Raises `NotFound` when no request waits for it."""
        if isinstance(answer, PlanAnswer):
            self._interactions.answer_plan(answer)
            return
        request = self._interactions.take(call_id)
        if not self._is_running:
            raise NotFound("Codex no longer waits for this answer.")
        self._reader.note_answer()
        await self._interactions.reply(request, answer)

    async def _start(self, thread: Thread, text: str, *, plan: bool) -> None:
        parameters = turn_parameters(
            self.turn, self._thread_id, text, model=thread.model, effort=thread.effort, plan=plan
        )
        if not self._translator.turn_id:
            parameters["input"] += images(self.turn)
        # the turn may run from here on, even if no response arrives
        self._is_running = True
        self.sent_at = datetime.now(UTC)
        try:
            if more := overflow(text):
                params = {"threadId": self._thread_id, "items": more}
                await self._server.peer.request("thread/inject_items", params)
            result = await self._server.peer.request("turn/start", parameters)
        except JsonRpcError as error:
            self._is_running = False
            raise AgentFailure(f"Codex refused the turn: {error}", code="bad_request") from error
        turn = result.get("turn")
        self._translator.turn_id = str(turn.get("id") if isinstance(turn, dict) else "")
        self._translator.plan = ""
        if self._interrupted:
            await self._stop()

    async def _items(self, queue: ThreadQueue) -> AsyncIterator[Event]:
        async for records in self._reader.batches(queue):
            for item in self._translator.items(records):
                if type(item) is TextDelta:
                    yield item
                elif isinstance(item, TurnEnded):
                    await self._handle_end(item)
                    return
                else:
                    async for event in self._handle(item):
                        yield event
        raise queue.failure or failures.process_failure(None, "")

    async def _handle(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case ApprovalRequest():
                if event := await self._interactions.handle_request(item):
                    yield event
            case RequestResolved(request_id=request_id):
                for event in self._interactions.withdraw(request_id):
                    yield event
            case UnsupportedRequest(record=record):
                await self._server.peer.refuse(record)
            case Event():
                yield item

    async def _handle_end(self, end: TurnEnded) -> None:
        self._is_running = False
        self._server.is_proven = True
        if end.status == "interrupted" or self._interrupted:
            self._interrupted = self._has_leftovers = True
            await self._end_leftovers()
        elif end.failure:
            raise end.failure

    def _plan_event(self, *, plan: bool) -> Event | None:
        translator = self._translator
        if not (plan and translator.plan.strip()) or self._interrupted:
            return None
        return self._interactions.open_plan_review(translator.plan_id, translator.plan)

    def _done(self, thread: Thread) -> Done:
        model = self._translator.model or self.turn.model or thread.model
        reason = "aborted" if self._interrupted else "stop"
        return Done(reason, self._translator.tokens, None, model or None, thread.provider or None)

    async def _stop(self) -> None:
        with suppress(JsonRpcError):  # the turn may have ended meanwhile
            await self._server.interrupt(self._thread_id, self._translator.turn_id)

    async def _ensure_stopped(self, queue: ThreadQueue) -> None:
        """Stop a turn that `events` left early: the next prompt would join it otherwise."""
        if not self._server.alive:
            return
        if self._is_running:
            self._has_leftovers = self._is_server_unusable = True
            self._server.unstopped.add(self._thread_id)
            if await self._stops_in_time(queue):
                self._server.unstopped.discard(self._thread_id)
                self._is_server_unusable = False
        if self._has_leftovers:
            await self._end_leftovers()

    async def _stops_in_time(self, queue: ThreadQueue) -> bool:
        """Interrupt the turn; return whether it ended within `STOP_SECONDS`."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._stop()
                while records := await queue.get():
                    if any(isinstance(item, TurnEnded) for item in self._translator.items(records)):
                        return True
        except (TimeoutError, AgentFailure):
            return False
        return False

    async def _end_leftovers(self) -> None:
        """End the session's subagents and commands; `_ensure_stopped` repeats it after a cancel."""
        if not self._is_server_unusable:
            await self._server.stop_work(self._thread_id)
        if not await self._server.end_commands(self._thread_id):
            self._is_server_unusable = True
        self._has_leftovers = False
