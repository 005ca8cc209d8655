"""Back-off between attempts at a service that fails: doubled each time, up to a limit."""


class Backoff:
    """The pause after each failure in a row, in seconds."""

    def __init__(self, first_seconds: float, max_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._max_seconds = max_seconds
        self._failures = 0

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def succeed(self) -> None:
        """Begin anew."""
        self._failures = 0

    def fail(self) -> float:
        """Return the pause before the next attempt."""
        pause = self._first_seconds * 2 ** min(self._failures, 20)
        self._failures += 1
        return min(self._max_seconds, pause)
