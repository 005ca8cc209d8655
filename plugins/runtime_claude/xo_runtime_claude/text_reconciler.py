"""What readers were sent in a turn, so that nothing reaches them twice and nothing is lost.

Deltas are a preview; the `assistant` record of a block is the truth. A preview that turns out
false is taken back with `Desync`, after which the true text of the whole turn is sent anew, or,
where that is too long to be kept, fetched by readers from the history.
"""

import zlib

from xo_cowork_core.sdk import Desync, Event, ReasoningDelta, TextDelta

FOLD_PIECES = 4096
KEEP_CHARACTERS = 4 << 20


class TextReconciler:
    """The text and thinking of one turn: confirmed blocks, and the open previews.

    Of a long preview only the length and a checksum are kept, so that memory stays flat.
    """

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thinking: list[str] = []
        self._kept: list[TextDelta | ReasoningDelta] = []
        self._kept_characters = 0
        self._any_text = False
        self._folded = 0
        self._checksum = 0

    @property
    def empty(self) -> bool:
        """Say whether readers have no text at all."""
        return not self.text and not self._folded and not self._any_text

    @property
    def last_text(self) -> str:
        """The newest confirmed text, if it is still kept."""
        texts = (event.text for event in reversed(self._kept) if isinstance(event, TextDelta))
        return next(texts, "")

    def fold(self) -> None:
        """Let go of a long preview's pieces. Cheap; call it after each batch."""
        if len(self.text) >= FOLD_PIECES:
            joined = "".join(self.text)
            self._checksum = zlib.crc32(_bytes(joined), self._checksum)
            self._folded += len(joined)
            self.text.clear()

    def confirm_text(self, full: str) -> list[Event]:
        """Take the true text of the open block; return what readers still need."""
        sent = "".join(self.text)
        head = full[: self._folded]
        same = zlib.crc32(_bytes(head)) == self._checksum if self._folded else True
        if not same or not full.startswith(sent, self._folded):
            events = self.retract("The model's answer was cut and given anew")
            return [*events, *self._add(TextDelta(full), full)]
        known = self._folded + len(sent)
        self._drop_preview()
        return self._add(TextDelta(full), full[known:])

    def confirm_thinking(self, full: str) -> list[Event]:
        """Take the thinking of the open block. It may be shortened: what was sent then stands."""
        sent = "".join(self.thinking)
        self.thinking.clear()
        if sent:
            self._keep(ReasoningDelta(sent))
            return []
        return self._add(ReasoningDelta(full), full) if full else []

    def retract(self, reason: str) -> list[Event]:
        """Take the open previews back, if readers saw any."""
        if not self.text and not self._folded and not self.thinking:
            return []
        self._drop_preview()
        self.thinking.clear()
        return [Desync(reason), *self._kept]

    def _add(self, whole: TextDelta | ReasoningDelta, rest: str) -> list[Event]:
        if whole.text:
            self._keep(whole)
        return [type(whole)(rest)] if rest else []

    def _keep(self, event: TextDelta | ReasoningDelta) -> None:
        self._any_text = self._any_text or isinstance(event, TextDelta)
        self._kept_characters += len(event.text)
        self._kept.append(event)
        if self._kept_characters > KEEP_CHARACTERS:
            self._kept.clear()

    def _drop_preview(self) -> None:
        self.text.clear()
        self._folded = 0
        self._checksum = 0


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
