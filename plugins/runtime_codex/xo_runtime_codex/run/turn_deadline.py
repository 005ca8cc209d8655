"""Time limits of a turn: without progress, in retries of the model call, and in total."""

import asyncio

from xo_cowork_core.sdk import AgentFailure
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol import failures

TOOL_FACTOR = 3


class TurnDeadline:
    """Deadlines of one turn, which starts now. Times are of the event loop's clock."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._last_progress = asyncio.get_running_loop().time()
        self.until = self._last_progress + options.turn_seconds

    def extend(self) -> None:
        """Note progress. A retry is no progress: Codex itself would retry without end."""
        self._last_progress = asyncio.get_running_loop().time()

    def wake_time(self, *, retrying: str, tools_running: bool) -> float:
        """Return the time of the timeout. `retrying` is why Codex retries, empty if it does not."""
        seconds = self._options.silent_seconds
        if retrying:
            seconds = self._options.retry_seconds
        elif tools_running:
            seconds *= TOOL_FACTOR
        return min(self.until, self._last_progress + seconds)

    def failure(self, retrying: str) -> AgentFailure:
        """Return the failure of a turn that timed out."""
        if asyncio.get_running_loop().time() >= self.until:
            return failures.too_long(self._options.turn_seconds)
        if retrying:
            return failures.unreachable(self._options.retry_seconds, retrying)
        return failures.silent(self._options.silent_seconds)
