"""The time limits of one turn: silence, reaching the model, and the turn as a whole."""

import asyncio

from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

TOOL_FACTOR = 3.0


@frozen_dataclass
class TurnLimits:
    """Limits in seconds. `total` and `connection` are None where the agent has no such limit.

    While a tool runs, silence may last `tool_factor` times as long.
    """

    silent: float
    total: float | None = None
    connection: float | None = None
    tool_factor: float = TOOL_FACTOR


class TurnDeadline:
    """Applies the limits to one turn, from construction on. Times are the event loop's."""

    def __init__(self, title: str, limits: TurnLimits) -> None:
        self._title = title
        self._limits = limits
        self._time = asyncio.get_running_loop().time
        self._progress = self._time()
        self._end = None if limits.total is None else self._progress + limits.total
        self._end_reason = f"The turn ran for {limits.total or 0:g} s, so it was stopped"

    @property
    def end(self) -> float | None:
        """The time at which the turn is over at the latest; None without such a limit."""
        return self._end

    def note_progress(self) -> None:
        """Restart the silence limit. An agent's retry is no progress."""
        self._progress = self._time()

    def limit_to(self, seconds: float) -> None:
        """End the turn in this many seconds at the latest, because the agent is failing."""
        end = self._time() + seconds
        if self._end is None or end < self._end:
            self._end = end
            self._end_reason = f"{self._title} did not end the turn within {seconds:g} s"

    def at(
        self,
        *,
        tools_running: bool = False,
        is_retrying: bool = False,
        seconds: float | None = None,
    ) -> float:
        """Return the time at which the turn times out unless it makes progress.

        `seconds` is a silence limit in place of the turn's own. While the agent waits for a
        person, take `end` instead.
        """
        if seconds is None:
            seconds = self._limits.silent
            if is_retrying and self._limits.connection is not None:
                seconds = self._limits.connection
            elif tools_running:
                seconds *= self._limits.tool_factor
        silent_at = self._progress + seconds
        return silent_at if self._end is None else min(self._end, silent_at)

    def failure(self, retry_reason: str | None = None) -> AgentFailure:
        """Return the error of a turn that timed out. `retry_reason` is why the agent was
        calling its model again, None when it wasn't."""
        if self._end is not None and self._time() >= self._end:
            return AgentFailure(self._end_reason, code="timeout")
        if retry_reason is not None and self._limits.connection is not None:
            reason = f": {retry_reason}" if retry_reason else ""
            text = f"The model was not reached within {self._limits.connection:g} s{reason}"
            return AgentFailure(text, code="network")
        text = f"{self._title} was silent for {self._limits.silent:g} s, so it was stopped"
        return AgentFailure(text, code="timeout")
