"""The pending interactions of one running turn: each is answered once, or refused after a timeout.

Each pending interaction has a timer task, which ends with it.
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
from xo_cowork_core.services.runtimes.plugin_record import PluginError
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime
from xo_cowork_core.services.turns.interactions import PendingInteraction

ANSWER_SECONDS = 10.0
log = logging.getLogger("xo_cowork.turns")


class PendingInteractions:
    """The requests of one turn by `call_id`. `append` puts an event into the turn's stream;
    `seconds` is how long a request waits for a person."""

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
        self._interactions: dict[str, PendingInteraction] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}

    @property
    def has_open(self) -> bool:
        """Whether a request waits for a person."""
        return any(not interaction.is_resolved for interaction in self._interactions.values())

    def record(self, event: Event) -> None:
        """Add the runtime's request, or resolve the request that the runtime withdraws.

        Raises PluginError for a request of a runtime without the ability `Answers`.
        """
        match event:
            case PermissionRequest() | Question() | PlanReview():
                if not isinstance(self._owner.runtime, Answers):
                    raise PluginError(
                        f"run() yielded {type(event).__name__}, but {self._owner.info.name} does"
                        " not take answers: make `Answers` a base class of the runtime"
                    )
                self._mark_resolved(event.call_id)
                self._interactions[event.call_id] = PendingInteraction(event)
                self._timers[event.call_id] = asyncio.create_task(
                    self._refuse_after_timeout(event.call_id), name=f"timer of {event.call_id}"
                )
            case PermissionResolved() | QuestionResolved():
                self._mark_resolved(event.call_id)
            case _:
                pass

    async def respond(self, call_id: str, response: object) -> None:
        """Pass a person's answer on. Raises NotFound, Conflict, BadRequest or UpstreamFailed."""
        interaction = self._interactions.get(call_id)
        if interaction is None:
            raise NotFound("No such request in this turn")
        if interaction.is_resolved:
            raise Conflict("This request was answered before")
        answer = interaction.parse_response(response)
        await self._answer(call_id, interaction, answer, "answered")

    def withdraw_all(self) -> None:
        """Resolve every open request, because the turn ends."""
        for call_id, interaction in self._interactions.items():
            if not interaction.is_resolved:
                self._mark_resolved(call_id)
                self._append(interaction.resolved_event(interaction.refusal(""), "withdrawn"))

    def _mark_resolved(self, call_id: str) -> None:
        timer = self._timers.pop(call_id, None)
        if timer and timer is not asyncio.current_task():
            timer.cancel()
        if call_id in self._interactions:
            self._interactions[call_id].is_resolved = True

    async def _refuse_after_timeout(self, call_id: str) -> None:
        await asyncio.sleep(self._seconds)
        interaction = self._interactions[call_id]
        answer = interaction.refusal(f"Nobody answered within {self._seconds:g} s.")
        try:
            await self._answer(call_id, interaction, answer, "timeout")
        except XoError as error:
            log.warning(
                "%s did not take the refusal of a request that timed out: %s",
                self._owner.info.name,
                error.message,
            )

    async def _answer(
        self, call_id: str, interaction: PendingInteraction, answer: TurnAnswer, reason: str
    ) -> None:
        title = self._owner.info.title
        if not isinstance(self._owner.runtime, Answers):
            raise Unsupported(f"{title} takes no answers")
        # before the runtime gets the answer: the agent's next events must follow this one
        self._mark_resolved(call_id)
        self._append(interaction.resolved_event(answer, reason))
        try:
            await self._owner.call(
                Answers.answer,
                self._turn,
                call_id,
                answer,
                action="take the answer",
                seconds=ANSWER_SECONDS,
            )
        except XoError as error:
            # the request counts as answered: whether the agent has the answer is unknown
            raise UpstreamFailed(
                f"{title} did not get the answer ({error.message}); abort the turn and send the"
                " prompt again"
            ) from error
