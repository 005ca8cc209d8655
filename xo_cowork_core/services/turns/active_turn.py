"""What the engine keeps of a session's running turn, and who hears of turns."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.running_turn import RunningTurn


class TurnListener(Protocol):
    """Hears of turns, on the event loop, without being waited for: must not block or raise."""

    def turn_started(self, running: RunningTurn) -> None:
        """A turn was accepted and stored; it begins now."""
        ...

    def turn_ended(self, running: RunningTurn) -> None:
        """A turn ended; readers have its terminal event."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to a prompt."""

    stream_id: str
    session_id: str


@dataclass(slots=True)
class ActiveTurn:
    """A session's turn: taken before the turn is on disk, with a task once it runs."""

    prompt: Prompt
    since: float
    started: Started
    running: RunningTurn
    task: "asyncio.Task[None] | None" = None

    def matches(self, prompt: Prompt) -> bool:
        """Equal bodies; a retry of a new session's prompt may know the session by now."""
        if self.prompt.session_id is None and prompt.session_id == self.started.session_id:
            prompt = replace(prompt, session_id=None)
        return self.prompt == prompt
