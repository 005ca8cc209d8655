"""Reconcile the text that readers have with the gateway's repeats of it.

The gateway sends a segment of text (up to a tool call, or to a new answer) several times: as
`assistant` deltas that carry the segment so far, as a `preamble` when a tool follows, and in the
final message. Each of them is compared with the text that was sent, so that readers get every
character once.
"""

from collections.abc import Iterator

from xo_cowork_core.sdk import Desync, Event, TextDelta

SEPARATOR = "\n\n"


class SegmentReconciler:
    """The text of one turn, in segments. The last segment is open until `close`."""

    def __init__(self) -> None:
        self._closed: list[str] = []
        self._open = ""
        self._item_id = ""

    @property
    def is_empty(self) -> bool:
        """True when readers have no text."""
        return not self._open and not self._closed

    @property
    def full_text(self) -> str:
        """The text that readers have."""
        return SEPARATOR.join(self.segments)

    @property
    def segments(self) -> list[str]:
        """The segments that readers have, with the open one."""
        return [*self._closed, self._open] if self._open else list(self._closed)

    @property
    def open_segment(self) -> str:
        """The text of the open segment."""
        return self._open

    def update(self, text: str, item_id: str = "") -> Iterator[Event]:
        """Send what the open segment lacks of `text`, which is all of the segment so far.

        `item_id` is the gateway's id of the segment, where it is known.
        """
        if item_id and self._item_id and item_id != self._item_id:
            self.close()
        self._item_id = item_id or self._item_id
        if text.startswith(self._open):
            rest = text[len(self._open) :]
            if rest:
                yield TextDelta(self._separator() + rest)
                self._open = text
        elif not self._open.startswith(text):
            yield from self.replace(text)

    def confirm(self, text: str) -> Iterator[Event]:
        """Send what readers lack of a repeated segment, which may be without outer blanks."""
        if self._open.strip() != text.strip():
            is_last_closed = text.strip() in {closed.strip() for closed in self._closed[-1:]}
            if self._open or not is_last_closed:
                yield from self.update(text)

    def resume(self, text: str) -> Iterator[Event]:
        """Send what readers lack of the text that the gateway holds of a running run.

        It is the open segment, with or without the closed ones before it; right after a tool call,
        it is still the segment before the call.
        """
        if self._open or self.is_empty:
            yield from self.finish(text)
            return
        rest = text.strip()
        for closed in self._closed:
            rest = rest.removeprefix(closed.strip()).lstrip()
        if rest and not self._closed[-1].strip().startswith(rest):
            yield from self.update(rest)

    def replace(self, text: str) -> Iterator[Event]:
        """Retract the open segment and send `text` in its place."""
        if text == self._open:
            return
        self._open = text
        yield Desync("The model's answer was cut and starts again")
        if self.full_text:
            yield TextDelta(self.full_text)

    def close(self) -> None:
        """End the open segment: a tool call or another answer follows."""
        if self._open:
            self._closed.append(self._open)
        self._open = ""
        self._item_id = ""

    def finish(self, final: str) -> Iterator[Event]:
        """Send what readers lack of the final message."""
        if not final.strip() or self.full_text.rstrip().endswith(final.rstrip()):
            return
        if self.is_empty or final.startswith(self.full_text):
            rest = final[len(self.full_text) :]
            self._open += rest
            yield TextDelta(rest)
        elif self._open and final.startswith(self._open):
            yield from self.update(final)

    def _separator(self) -> str:
        return SEPARATOR if self._closed and not self._open else ""
