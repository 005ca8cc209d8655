"""How long a turn may be silent, try to reach its model, and last in all."""

import asyncio

from xo_cowork_core.sdk import AgentFailure
from xo_runtime_codex.options import Options
from xo_runtime_codex.protocol import failures

TOOL_PATIENCE = 3


class TurnDeadline:
    """The clock of one turn, which begins with it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._heard = asyncio.get_running_loop().time()
        self.until = self._heard + options.turn_seconds

    def heard(self) -> None:
        """Note that the turn came further. A retry is no progress: Codex would try for ever."""
        self._heard = asyncio.get_running_loop().time()

    def deadline(self, *, retrying: str, tools_running: bool) -> float:
        """Say when it is too late. `retrying` says why Codex tries again, empty when it doesn't."""
        seconds = self._options.silent_seconds
        if retrying:
            seconds = self._options.retry_seconds
        elif tools_running:
            seconds *= TOOL_PATIENCE
        return min(self.until, self._heard + seconds)

    def late(self, retrying: str) -> AgentFailure:
        """Name what a turn failed of that came too late."""
        if asyncio.get_running_loop().time() >= self.until:
            return failures.too_long(self._options.turn_seconds)
        if retrying:
            return failures.unreachable(self._options.retry_seconds, retrying)
        return failures.silent(self._options.silent_seconds)
