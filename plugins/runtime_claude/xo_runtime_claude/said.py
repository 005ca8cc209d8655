"""What readers were sent in a turn, so that nothing reaches them twice and nothing is lost.

Deltas are a preview; the `assistant` record of a block is the truth. A preview that turns out
false is taken back with `Desync`, after which the true text of the whole turn is sent anew.
"""

from xo_cowork_core.sdk import Desync, Event, ReasoningDelta, TextDelta


class Said:
    """The text and thinking of one turn: confirmed blocks, and the open previews."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thinking: list[str] = []
        self._kept: list[TextDelta | ReasoningDelta] = []

    @property
    def empty(self) -> bool:
        """Say whether readers have no text at all."""
        return not self.text and not any(isinstance(event, TextDelta) for event in self._kept)

    @property
    def last_text(self) -> str:
        """The newest confirmed text."""
        texts = (event.text for event in reversed(self._kept) if isinstance(event, TextDelta))
        return next(texts, "")

    def confirm_text(self, full: str) -> list[Event]:
        """Take the true text of the open block; return what readers still need."""
        sent = "".join(self.text)
        if not full.startswith(sent):
            events = self.retract("The model's answer was cut and given anew")
            return [*events, *self._add(TextDelta(full), full)]
        self.text.clear()
        return self._add(TextDelta(full), full[len(sent) :])

    def confirm_thinking(self, full: str) -> list[Event]:
        """Take the thinking of the open block. It may be shortened: what was sent then stands."""
        sent = "".join(self.thinking)
        self.thinking.clear()
        if sent:
            self._kept.append(ReasoningDelta(sent))
            return []
        return self._add(ReasoningDelta(full), full) if full else []

    def retract(self, reason: str) -> list[Event]:
        """Take the open previews back, if readers saw any."""
        if not self.text and not self.thinking:
            return []
        self.text.clear()
        self.thinking.clear()
        return [Desync(reason), *self._kept]

    def _add(self, whole: TextDelta | ReasoningDelta, rest: str) -> list[Event]:
        if whole.text:
            self._kept.append(whole)
        return [type(whole)(rest)] if rest else []
