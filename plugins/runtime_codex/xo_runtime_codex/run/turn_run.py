"""One turn on an app-server: start it, read its records to the end, forward answers, stop it.

Owns no task. However `events` ends, no turn runs on the thread afterwards, or the server is
marked as unusable.
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
from xo_cowork_core.sdk.kit import JsonRpcError, PendingAnswers, TurnDeadline
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.protocol.attachments import images
from xo_runtime_codex.protocol.parameters import overflow, prompt_text, turn_parameters
from xo_runtime_codex.run import approvals
from xo_runtime_codex.run.approvals import ApprovalRequest
from xo_runtime_codex.run.translator import (
    Item,
    RequestResolved,
    Translator,
    TurnEnded,
    UnsupportedRequest,
)
from xo_runtime_codex.server.app_server import AppServer, Thread
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue

STOP_SECONDS = 2.0
ACCEPT_PROMPT = "The plan is accepted. Carry it out."
REVISE_PROMPT = "Think again and change the plan."


class TurnRun:
    """A turn in progress."""

    def __init__(self, turn: Turn, thread_id: str, server: AppServer, options: Options) -> None:
        self.turn = turn
        self._thread_id = thread_id
        self._server = server
        self._deadline = TurnDeadline("Codex", options.limits)
        self._translator = Translator()
        self._pending: PendingAnswers[ApprovalRequest] = PendingAnswers("Codex")
        self._plan_review: asyncio.Future[PlanAnswer | None] | None = None
        self._interrupted = False
        self._is_running = False
        self._has_leftovers = False
        self._is_server_unusable = False
        self._timeout: asyncio.Timeout | None = None

    @property
    def turn_id(self) -> str:
        """The id of the Codex turn; empty before it starts."""
        return self._translator.turn_id

    @property
    def is_repeatable(self) -> bool:
        """True when the turn has produced text alone, so that a repeat does nothing twice."""
        return not (self._translator.called_tool or self._interrupted or self._plan_review)

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
                answer = await self._plan_answer() if review else None
                ended = answer is None or answer.action == "stop"
                if answer:
                    plan = answer.action == "revise"
                    text = (answer.feedback or REVISE_PROMPT) if plan else ACCEPT_PROMPT
            await self._decline_pending()
            yield self._done(thread)
        finally:
            await self._ensure_stopped(queue)
            self._server.busy.discard(self._thread_id)
            self._server.router.close(self._thread_id, queue)

    async def interrupt(self) -> None:
        """Interrupt the turn; its end ends `events`."""
        self._interrupted = True
        if self._plan_review and not self._plan_review.done():
            self._plan_review.set_result(None)
        if self._is_running:
            await self._stop()

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Forward an answer. Raises `NotFound` when no request waits for it."""
        if isinstance(answer, PlanAnswer):
            if self._plan_review is None or self._plan_review.done():
                raise NotFound("Codex no longer waits for this answer.")
            self._plan_review.set_result(answer)
            return
        request = self._pending.take(call_id)
        if not self._is_running:
            raise NotFound("Codex no longer waits for this answer.")
        self._extend_deadline()
        await self._server.peer.reply(request.record, approvals.answer_result(request, answer))

    async def _start(self, thread: Thread, text: str, *, plan: bool) -> None:
        parameters = turn_parameters(
            self.turn, self._thread_id, text, model=thread.model, effort=thread.effort, plan=plan
        )
        if not self._translator.turn_id:
            parameters["input"] += images(self.turn)
        # from here on it may run, though nobody has extend so
        self._is_running = True
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
        async for records in self._batches(queue):
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

    async def _batches(self, queue: ThreadQueue) -> AsyncIterator[Sequence[Record]]:
        while True:
            progress = self._translator.progress
            try:
                async with asyncio.timeout_at(self._wake_time()) as self._timeout:
                    records = await queue.get()
            except TimeoutError:
                raise self._deadline.failure(self._translator.retrying or None) from None
            if records is None:
                return
            yield records
            if self._translator.progress != progress:
                self._deadline.note_progress()

    def _wake_time(self) -> float | None:
        if self._pending:
            return self._deadline.end
        translator = self._translator
        return self._deadline.at(
            is_retrying=bool(translator.retrying), tools_running=translator.tools_running
        )

    def _extend_deadline(self) -> None:
        self._deadline.note_progress()
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._wake_time())

    async def _handle(self, item: Item) -> AsyncIterator[Event]:
        match item:
            case ApprovalRequest():
                async for event in self._handle_approval(item):
                    yield event
            case RequestResolved(request_id=request_id):
                for request in self._pending.cancel(str(request_id)):
                    yield approvals.withdrawn(request)
            case UnsupportedRequest(record=record):
                await self._server.peer.refuse(record)
            case Event():
                yield item

    async def _handle_approval(self, request: ApprovalRequest) -> AsyncIterator[Event]:
        rule = approvals.rule_for(request, self.turn.permissions)
        if rule == "ask" and request.call_id not in self._pending:
            self._pending.add(request.call_id, request, request_id=str(request.record["id"]))
            yield approvals.event_of(request)
        else:
            allow = rule == "allow"
            await self._server.peer.reply(
                request.record, approvals.approval_result(request, allow=allow)
            )

    async def _decline_pending(self) -> None:
        """Decline the requests of subagents that outlive this turn; nobody can answer later."""
        for request in self._pending:
            await self._server.peer.reply(request.record, approvals.declined_result(request))

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
        self._plan_review = asyncio.get_running_loop().create_future()
        return approvals.plan_event(translator.plan_id, translator.plan)

    async def _plan_answer(self) -> PlanAnswer | None:
        assert self._plan_review
        try:
            async with asyncio.timeout_at(self._deadline.end):
                return await self._plan_review
        except TimeoutError:
            raise self._deadline.failure() from None

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
