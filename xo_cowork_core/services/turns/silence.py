"""How long a turn may say nothing before the host ends it."""

from xo_cowork_core.sdk import Event, ToolCall, ToolError, ToolResult
from xo_cowork_core.services.clock import Clock

TOOL_SECONDS = 3600.0
CHECKS = 10


class SilenceTimer:
    """The time since the last event of one turn. While a tool runs the limit is `TOOL_SECONDS`.

    The owner calls `restart` for each event and while a request waits for a person, and
    `remaining` at least every `check_seconds`. Events come by the hundred thousand, so the clock is
    read at the checks alone: the limit is exceeded by `check_seconds` at most.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self.check_seconds = seconds / CHECKS
        self._started_at = clock.monotonic()
        self._is_restarted = False
        self._open_tools = set[str]()

    def restart(self) -> None:
        """Count from the next check."""
        self._is_restarted = True

    def observe(self, event: Event) -> None:
        """Note which tools run."""
        match event:
            case ToolCall(call_id=call_id):
                self._open_tools.add(call_id)
            case ToolResult(call_id=call_id) | ToolError(call_id=call_id):
                self._open_tools.discard(call_id)
            case _:
                pass

    def remaining(self) -> float:
        """Return the seconds until the limit; 0 or less when it is reached."""
        now = self._clock.monotonic()
        if self._is_restarted:
            self._is_restarted = False
            self._started_at = now
        limit = max(self.seconds, TOOL_SECONDS) if self._open_tools else self.seconds
        return self._started_at + limit - now
