"""What readers were sent in a turn, so that nothing reaches them twice and nothing is lost.

Deltas are a preview of an item; its completion is the truth. A stream that is cut is told again
under a new item id: the first item's preview is taken back with `Desync`, after which the true
text of the whole turn is sent anew.
"""

from collections.abc import Iterator
from typing import TypeAlias

from xo_cowork_core.sdk import Desync, Event, ReasoningDelta, TextDelta

Words: TypeAlias = TextDelta | ReasoningDelta


class TextReconciler:
    """The text and thinking of one turn, by item."""

    def __init__(self) -> None:
        self._open: dict[str, list[Words]] = {}
        self._kept: list[Words] = []

    def preview(self, item_id: str, words: Words) -> Iterator[Event]:
        """Take a part of an item that isn't finished."""
        if words.text:
            self._open.setdefault(item_id, []).append(words)
            yield words

    def confirm(self, item_id: str, whole: Words) -> Iterator[Event]:
        """Take an item's true text; tell what readers still need."""
        sent = "".join(words.text for words in self._open.pop(item_id, ()))
        if not whole.text.startswith(sent):
            if isinstance(whole, ReasoningDelta):
                # it may have been shortened: what was shown stands
                self._kept.append(ReasoningDelta(sent))
                return
            yield Desync("The agent's words were corrected")
            yield from self._again()
            sent = ""
        if whole.text:
            self._kept.append(whole)
        if rest := whole.text[len(sent) :]:
            yield type(whole)(rest)

    def retract(self, reason: str) -> Iterator[Event]:
        """Take the open previews back, if readers saw any."""
        if self._open:
            self._open.clear()
            yield Desync(reason)
            yield from self._again()

    def _again(self) -> Iterator[Event]:
        yield from self._kept
        for parts in self._open.values():
            yield from parts
