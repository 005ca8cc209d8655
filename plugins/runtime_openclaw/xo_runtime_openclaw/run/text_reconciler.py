"""What readers were sent in a turn, so that no text reaches them twice and none is lost.

The gateway tells the text of one stretch (up to a tool, or to a new answer) several times over:
as `assistant` deltas with all of it so far, as a `preamble` when a tool follows, in the final
message. Whatever comes is compared with what was sent.
"""

from collections.abc import Iterator

from xo_cowork_core.sdk import Desync, Event, TextDelta

JOINT = "\n\n"


class TextReconciler:
    """The text of one turn, in stretches."""

    def __init__(self) -> None:
        self._closed: list[str] = []
        self._open = ""
        self._item = ""

    @property
    def empty(self) -> bool:
        """Say whether readers have no text at all."""
        return not self._open and not self._closed

    @property
    def whole(self) -> str:
        """All that readers have, as they see it."""
        return JOINT.join(self.stretches)

    @property
    def stretches(self) -> list[str]:
        """Everything that readers have, stretch by stretch."""
        return [*self._closed, self._open] if self._open else list(self._closed)

    @property
    def stretch(self) -> str:
        """The open stretch."""
        return self._open

    def grow(self, text: str, item: str = "") -> Iterator[Event]:
        """Take all of the open stretch as it is known now; `item` names it where that is known."""
        if item and self._item and item != self._item:
            self.close()
        self._item = item or self._item
        if text.startswith(self._open):
            rest = text[len(self._open) :]
            if rest:
                yield TextDelta(self._joint() + rest)
                self._open = text
        elif not self._open.startswith(text):
            yield from self.replace(text)

    def repeat(self, text: str) -> Iterator[Event]:
        """Take a stretch that may have been told already, with blanks trimmed at its ends."""
        if self._open.strip() != text.strip():
            known = text.strip() in {closed.strip() for closed in self._closed[-1:]}
            if not (known and not self._open):
                yield from self.grow(text)

    def catch_up(self, text: str) -> Iterator[Event]:
        """Take what the gateway holds of the run's text: the open stretch alone, or after those
        that are closed; just after a tool, still the stretch before it."""
        if self._open or self.empty:
            yield from self.finish(text)
            return
        rest = text.strip()
        for closed in self._closed:
            rest = rest.removeprefix(closed.strip()).lstrip()
        if rest and not self._closed[-1].strip().startswith(rest):
            yield from self.grow(rest)

    def replace(self, text: str) -> Iterator[Event]:
        """Take back the open stretch and put `text` in its place."""
        if text == self._open:
            return
        self._open = text
        yield Desync("The model's answer was cut and starts again")
        if self.whole:
            yield TextDelta(self.whole)

    def close(self) -> None:
        """End the open stretch: a tool follows, or another answer."""
        if self._open:
            self._closed.append(self._open)
        self._open = ""
        self._item = ""

    def finish(self, final: str) -> Iterator[Event]:
        """Compare with the final message and send what is missing of it."""
        if not final.strip() or self.whole.rstrip().endswith(final.rstrip()):
            return
        if self.empty or final.startswith(self.whole):
            rest = final[len(self.whole) :]
            self._open += rest
            yield TextDelta(rest)
        elif self._open and final.startswith(self._open):
            yield from self.grow(final)

    def _joint(self) -> str:
        return JOINT if self._closed and not self._open else ""
