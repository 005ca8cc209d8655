"""The requests of one running turn: kept, answered once, denied when nobody answers in time.

Each open request has a timer task, which ends with the request.
"""

import asyncio
import logging
from collections.abc import Callable

from xo_cowork_core.sdk import (
    Answers,
    Conflict,
    Event,
    NotFound,
    PermissionRequest,
    PermissionResolved,
    PlanReview,
    Question,
    QuestionResolved,
    Turn,
    TurnAnswer,
    Unsupported,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime
from xo_cowork_core.services.turns.answers import OpenRequest

ANSWER_SECONDS = 10.0
log = logging.getLogger("xo_cowork.turns")


class PendingInteractions:
    """What a turn asked. `append` puts an event into the turn's stream."""

    def __init__(
        self,
        turn: Turn,
        owner: RegisteredRuntime,
        append: Callable[[Event], None],
        *,
        seconds: float,
    ) -> None:
        self._turn = turn
        self._owner = owner
        self._append = append
        self._seconds = seconds
        self._requests: dict[str, OpenRequest] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}

    @property
    def open(self) -> bool:
        """Something waits for a person."""
        return any(not request.answered for request in self._requests.values())

    def note(self, event: Event) -> None:
        """Keep what the runtime asks; forget what it withdraws."""
        match event:
            case PermissionRequest() | Question() | PlanReview():
                if not isinstance(self._owner.runtime, Answers):
                    raise TypeError(f"{self._owner.info.name} asks but does not take answers")
                self._settle(event.call_id)
                self._requests[event.call_id] = OpenRequest(event)
                self._timers[event.call_id] = asyncio.create_task(
                    self._expire(event.call_id), name=f"timer of {event.call_id}"
                )
            case PermissionResolved() | QuestionResolved():
                self._settle(event.call_id)
            case _:
                pass

    async def respond(self, call_id: str, response: object) -> None:
        """Pass a person's answer on. Raises NotFound, Conflict, BadRequest or UpstreamFailed."""
        request = self._requests.get(call_id)
        if request is None:
            raise NotFound("No such request in this turn")
        if request.answered:
            raise Conflict("This request was answered before")
        await self._answer(call_id, request, request.read(response), "answered")

    def withdraw_all(self) -> None:
        """Resolve what is still open: the turn ends."""
        for call_id, request in self._requests.items():
            if not request.answered:
                self._settle(call_id)
                self._append(request.resolved(request.refusal(""), "withdrawn"))

    def _settle(self, call_id: str) -> None:
        timer = self._timers.pop(call_id, None)
        if timer and timer is not asyncio.current_task():
            timer.cancel()
        if call_id in self._requests:
            self._requests[call_id].answered = True

    async def _expire(self, call_id: str) -> None:
        await asyncio.sleep(self._seconds)
        request = self._requests[call_id]
        answer = request.refusal(f"Nobody answered within {self._seconds:g} s.")
        try:
            await self._answer(call_id, request, answer, "timeout")
        except XoError as error:
            log.warning("a timed-out request of %s: %s", self._owner.info.name, error.message)

    async def _answer(
        self, call_id: str, request: OpenRequest, answer: TurnAnswer, reason: str
    ) -> None:
        runtime, title = self._owner.runtime, self._owner.info.title
        if not isinstance(runtime, Answers):
            raise Unsupported(f"{title} takes no answers")
        # first, and without a wait between: whatever the agent does next comes after it
        self._settle(call_id)
        self._append(request.resolved(answer, reason))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await runtime.answer(self._turn, call_id, answer)
        except XoError as error:
            raise UpstreamFailed(error.message) from error
        except (Exception, SystemExit) as error:
            log.exception("%s did not take an answer", self._owner.info.name)
            raise UpstreamFailed(f"{title} did not take the answer") from error
