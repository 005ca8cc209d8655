"""The last lines that the program of a flow printed. In memory alone: they are not journalled."""

from collections import deque
from collections.abc import Sequence

from xo_cowork_core.services.auth_flows.views import OutputLine

MAX_LINES = 500
MAX_CHARACTERS = 1000


class FlowOutput:
    """A bounded list of lines that several readers follow, each from its own position."""

    def __init__(self) -> None:
        self._lines: deque[OutputLine] = deque(maxlen=MAX_LINES)
        self._count = 0

    def add(self, line: OutputLine) -> None:
        """Add a line; a long one is cut."""
        text = "".join(each for each in line.text if each.isprintable())
        self._lines.append(OutputLine(line.stream, text[:MAX_CHARACTERS].rstrip()))
        self._count += 1

    def since(self, position: int) -> tuple[Sequence[OutputLine], int]:
        """Return the lines that were added after `position`, and the new position."""
        missed = min(self._count - position, len(self._lines))
        return list(self._lines)[len(self._lines) - missed :], self._count
