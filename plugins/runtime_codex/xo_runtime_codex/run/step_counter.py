"""Model calls of a turn, counted and closed. Codex tells of a call's end, never of its start."""

from collections.abc import Iterator

from xo_cowork_core.sdk import Event, StepFinish, StepStart, Tokens


class StepCounter:
    """The steps of one turn."""

    def __init__(self) -> None:
        self.used: Tokens | None = None
        self._count = 0
        self._open = False
        self._tool = False

    def open(self, *, tool: bool = False) -> Iterator[Event]:
        """Note that the model said something; the first thing opens a step."""
        self._tool = self._tool or tool
        if not self._open:
            self._open = True
            self._count += 1
            yield StepStart(self._count)

    def finish(self, tokens: Tokens) -> Iterator[Event]:
        """Close the step with its usage."""
        yield from self.open()
        self.used = (self.used or Tokens()) + tokens
        self._open = False
        yield StepFinish("tool_use" if self._tool else "stop", tokens)
        self._tool = False

    def close(self, *, failed: bool) -> Iterator[Event]:
        """Close what is open without figures."""
        if self._open:
            self._open = self._tool = False
            yield StepFinish("error" if failed else "stop")
