"""The running turn of a session as `Turns` keeps it, and the interface of turn listeners."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.running_turn import RunningTurn


class TurnListener(Protocol):
    """Is notified of turns. Called on the event loop and not awaited: must not block or raise."""

    def turn_started(self, running: RunningTurn) -> None:
        """Called after a turn is stored and before it runs."""
        ...

    def turn_ended(self, running: RunningTurn) -> None:
        """Called after a turn's terminal event is appended."""
        ...


class StartedTurn(NamedTuple):
    """The answer to a prompt: its ids, and where the turn runs."""

    stream_id: str
    session_id: str
    agent_id: str | None
    directory: str


@dataclass(slots=True)
class ActiveTurn:
    """A session's turn from before it is stored to its end.

    `accepted_at` is in monotonic seconds; `task` is None until the turn is stored.
    """

    prompt: Prompt
    accepted_at: float
    started: StartedTurn
    running: RunningTurn
    task: "asyncio.Task[None] | None" = None

    def matches(self, prompt: Prompt) -> bool:
        """Return whether `prompt` repeats this turn's prompt.

        A retry of a new session's prompt may already carry the session's id.
        """
        if self.prompt.session_id is None and prompt.session_id == self.started.session_id:
            prompt = prompt._replace(session_id=None)
        return self.prompt == prompt
