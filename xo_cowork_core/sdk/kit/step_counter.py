"""The model calls of one turn, counted, closed and summed."""

from xo_cowork_core.sdk.events.base import Event, StepFinish, StepReason, StepStart, Tokens


class StepCounter:
    """Numbers the steps of a turn and keeps at most one open.

    Every method returns the events to yield, in order; each `StepStart` is followed by exactly
    one `StepFinish` once `close` was called at the turn's end.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.tokens: Tokens | None = None
        self.cost: float | None = None
        self._count = 0

    def start(self) -> list[Event]:
        """Open a step. One that is still open ends as an error: its model call broke off."""
        events = self.close(failed=True)
        self._count += 1
        self.is_open = True
        return [*events, StepStart(self._count)]

    def ensure_started(self) -> list[Event]:
        """Open a step unless one is open, for agents that don't report the start of a call."""
        return [] if self.is_open else self.start()

    def finish(
        self, reason: StepReason, tokens: Tokens | None = None, cost: float | None = None
    ) -> list[Event]:
        """Add a call's figures to `tokens` and `cost` (US dollars) and close the open step.

        Figures that come when no step is open count, and give no event.
        """
        if tokens is not None:
            self.tokens = (self.tokens or Tokens()) + tokens
        if cost is not None:
            self.cost = (self.cost or 0.0) + cost
        if not self.is_open:
            return []
        self.is_open = False
        return [StepFinish(reason, tokens or Tokens(), cost)]

    def close(self, *, failed: bool) -> list[Event]:
        """Close the open step, if there is one, without figures."""
        return self.finish("error" if failed else "stop")
