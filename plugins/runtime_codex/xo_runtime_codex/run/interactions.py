"""The requests of one turn that need the user: approvals, questions, the review of a plan.

Owns no task. `TurnRun` passes the server's requests in and the user's answers on.
"""

import asyncio
from collections.abc import Iterator

from xo_cowork_core.sdk import Event, NotFound, Permissions, PlanAnswer, TurnAnswer
from xo_cowork_core.sdk.kit import JsonRpcPeer, PendingAnswers, TurnDeadline
from xo_runtime_codex.run import approvals
from xo_runtime_codex.run.approvals import ApprovalRequest


class TurnInteractions:
    """Decides requests by the turn's permissions, and keeps the ones that the user decides."""

    def __init__(self, permissions: Permissions, peer: JsonRpcPeer, deadline: TurnDeadline) -> None:
        self._permissions = permissions
        self._peer = peer
        self._deadline = deadline
        self._pending: PendingAnswers[ApprovalRequest] = PendingAnswers("Codex")
        self._plan_review: asyncio.Future[PlanAnswer | None] | None = None

    @property
    def has_pending(self) -> bool:
        """True while an approval or a question waits for the user."""
        return bool(self._pending)

    @property
    def has_reviewed_plan(self) -> bool:
        """True when the turn has shown a plan to the user."""
        return self._plan_review is not None

    async def handle_request(self, request: ApprovalRequest) -> Event | None:
        """Return the event that shows a request to the user, or answer it by rule."""
        rule = approvals.rule_for(request, self._permissions)
        if rule == "ask" and request.call_id not in self._pending:
            self._pending.add(request.call_id, request, request_id=str(request.record["id"]))
            return approvals.event_of(request)
        result = approvals.approval_result(request, allow=rule == "allow")
        await self._peer.reply(request.record, result)
        return None

    def withdraw(self, request_id: object) -> Iterator[Event]:
        """Remove the requests that the server has withdrawn, and yield their events."""
        for request in self._pending.cancel(str(request_id)):
            yield approvals.withdrawn(request)

    def take(self, call_id: str) -> ApprovalRequest:
        """Remove and return the request of a call. Raises `NotFound` when none waits."""
        return self._pending.take(call_id)

    async def reply(self, request: ApprovalRequest, answer: TurnAnswer) -> None:
        """Send the user's answer to the server."""
        await self._peer.reply(request.record, approvals.answer_result(request, answer))

    async def decline_pending(self) -> None:
        """Decline the requests of subagents that outlive the turn; no later answer is possible."""
        for request in self._pending:
            await self._peer.reply(request.record, approvals.declined_result(request))

    def open_plan_review(self, plan_id: str, plan: str) -> Event:
        """Return the event that shows a plan; `plan_answer` waits for the answer."""
        self._plan_review = asyncio.get_running_loop().create_future()
        return approvals.plan_event(plan_id, plan)

    async def plan_answer(self) -> PlanAnswer | None:
        """Wait for the answer to the plan; None when the turn was interrupted.

        Raises `AgentFailure` at the end of the turn's time.
        """
        assert self._plan_review
        try:
            async with asyncio.timeout_at(self._deadline.end):
                return await self._plan_review
        except TimeoutError:
            raise self._deadline.failure() from None

    def answer_plan(self, answer: PlanAnswer) -> None:
        """Pass the user's answer to `plan_answer`. Raises `NotFound` when no plan waits."""
        if self._plan_review is None or self._plan_review.done():
            raise NotFound("Codex no longer waits for this answer.")
        self._plan_review.set_result(answer)

    def cancel_plan_review(self) -> None:
        """End a review without an answer, because the turn was interrupted."""
        if self._plan_review and not self._plan_review.done():
            self._plan_review.set_result(None)
