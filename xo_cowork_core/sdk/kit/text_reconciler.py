"""The text that was sent to the readers of one turn, so that they get each part exactly once.

Most agents send a passage of text several times: as deltas, as snapshots of the text so far, and
in full when it is complete. Deltas and snapshots are a preview; the complete passage replaces it.
"""

import zlib
from collections.abc import Callable
from typing import TypeAlias

from xo_cowork_core.sdk.events.base import Desync, Event, ReasoningDelta, TextDelta

Passage: TypeAlias = TextDelta | ReasoningDelta
MAX_PIECES = 4096
KEEP_CHARACTERS = 4 << 20
CORRECTED = "The agent's answer was corrected and is sent again"


class TextReconciler:
    """Compares each passage with what was sent of it and returns the events that readers need.

    A key names an open passage, for agents that have several at once; it is free again when the
    passage was confirmed. A preview that differs from it is retracted with a `Desync`, after
    which the valid text of the turn is sent again, or, where that is longer than
    `keep_characters`, is left to the history. Every method but `add` and `appender` returns the
    events to yield, in order. Holds no task and does no I/O.
    """

    def __init__(
        self, *, keep_characters: int = KEEP_CHARACTERS, max_pieces: int = MAX_PIECES
    ) -> None:
        self._keep_characters = keep_characters
        self._max_pieces = max_pieces
        self._previews: dict[str, _Preview] = {}
        self._confirmed: list[Passage] = []
        self._confirmed_characters = 0
        self._confirmed_text = False

    @property
    def has_text(self) -> bool:
        """True when readers have any text; reasoning doesn't count."""
        if self._confirmed_text:
            return True
        return any(p.kind is TextDelta and not p.is_empty for p in self._previews.values())

    @property
    def last_text(self) -> str:
        """The newest confirmed text; empty when there is none or it is no longer kept."""
        texts = (part.text for part in reversed(self._confirmed) if isinstance(part, TextDelta))
        return next(texts, "")

    def has_preview(self, key: str = "") -> bool:
        """Return whether readers have a part of this passage that is not confirmed."""
        preview = self._previews.get(key)
        return preview is not None and not preview.is_empty

    def add(self, delta: Passage, key: str = "") -> None:
        """Record a delta that is sent to readers as it is."""
        self._preview(type(delta), key).pieces.append(delta.text)

    def appender(self, kind: type[Passage], key: str = "") -> Callable[[str], None]:
        """Return a function that records the text of one delta, for a loop over many of them.

        It holds until the next call of any other method but `add`.
        """
        return self._preview(kind, key).pieces.append

    def compact(self) -> None:
        """Replace the pieces of long previews by a length and a checksum, so that memory stays
        flat. Cheap: call it after each batch of deltas."""
        for preview in self._previews.values():
            if len(preview.pieces) >= self._max_pieces:
                preview.compact()

    def update(self, snapshot: Passage, key: str = "") -> list[Event]:
        """Send what readers lack of an open passage's snapshot. A snapshot that is older than what
        was sent changes nothing."""
        preview = self._preview(type(snapshot), key)
        rest = preview.missing(snapshot.text)
        if rest is None:
            return [] if preview.starts_with(snapshot.text) else self.replace(snapshot, key)
        if not rest:
            return []
        preview.extend(snapshot.text)
        return [type(snapshot)(rest)]

    def replace(self, snapshot: Passage, key: str = "", *, reason: str = CORRECTED) -> list[Event]:
        """Retract what was sent of an open passage and send `snapshot` in its place. No event when
        readers have exactly that."""
        preview = self._previews.get(key)
        if preview and preview.missing(snapshot.text) == "":
            return []
        self._previews.pop(key, None)
        events = self._resend(reason) if preview and not preview.is_empty else []
        if not snapshot.text:
            return events
        self.add(snapshot, key)
        return [*events, snapshot]

    def confirm(self, passage: Passage, key: str = "") -> list[Event]:
        """Send what readers lack of the complete passage. Shortened reasoning changes nothing."""
        preview = self._previews.pop(key, None)
        rest = preview.missing(passage.text) if preview else passage.text
        if rest is not None:
            self._keep(passage)
            return [type(passage)(rest)] if rest else []
        assert preview
        if isinstance(passage, ReasoningDelta) and not preview.lost_start:
            self._keep(passage if preview.compacted else ReasoningDelta(preview.text))
            return []
        events = self._resend(CORRECTED)
        self._keep(passage)
        return [*events, passage] if passage.text else events

    def confirm_preview(self, key: str = "") -> None:
        """Close an open passage whose complete text is what was sent."""
        preview = self._previews.pop(key, None)
        if preview is None:
            return
        if preview.compacted or preview.lost_start:
            self._confirmed_characters += (
                self._keep_characters
            )  # its beginning is no longer in memory
        self._keep(preview.kind(preview.text))

    def retract(self, reason: str) -> list[Event]:
        """Retract all unconfirmed passages; no event when readers have none."""
        nothing_sent = all(preview.is_empty for preview in self._previews.values())
        self._previews.clear()
        return [] if nothing_sent else self._resend(reason)

    def _preview(self, kind: type[Passage], key: str) -> "_Preview":
        preview = self._previews.get(key)
        if preview is None:
            preview = self._previews[key] = _Preview(kind)
        return preview

    def _resend(self, reason: str) -> list[Event]:
        events: list[Event] = [Desync(reason), *self._confirmed]
        for preview in self._previews.values():
            if preview.compacted:
                preview.drop()  # too long to be sent again before it is complete
            elif not preview.is_empty:
                events.append(preview.kind(preview.text))
        return events

    def _keep(self, passage: Passage) -> None:
        if not passage.text:
            return
        self._confirmed_text = self._confirmed_text or isinstance(passage, TextDelta)
        self._confirmed_characters += len(passage.text)
        if self._confirmed_characters > self._keep_characters:
            self._confirmed.clear()
        else:
            self._confirmed.append(passage)


class _Preview:
    """What was sent of an open passage: its last pieces, and of those before them the length and
    a checksum. `lost_start` says that readers dropped its beginning."""

    __slots__ = ("checksum", "compacted", "kind", "lost_start", "pieces")

    def __init__(self, kind: type[Passage]) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.compacted = 0
        self.checksum = 0
        self.lost_start = False

    @property
    def is_empty(self) -> bool:
        return not self.compacted and not any(self.pieces)

    @property
    def text(self) -> str:
        """The pieces that are still in memory."""
        return "".join(self.pieces)

    def missing(self, whole: str) -> str | None:
        """Return what of `whole` was not sent; None when it doesn't begin with what was sent."""
        sent = self.text
        head = whole[: self.compacted]
        if self.compacted and zlib.crc32(_encoded(head)) != self.checksum:
            return None
        return (
            whole[self.compacted + len(sent) :] if whole.startswith(sent, self.compacted) else None
        )

    def starts_with(self, snapshot: str) -> bool:
        """Return whether what was sent begins with `snapshot`."""
        return not self.compacted and self.text.startswith(snapshot)

    def extend(self, snapshot: str) -> None:
        self.pieces[:] = [snapshot[self.compacted :]]

    def compact(self) -> None:
        text = self.text
        self.checksum = zlib.crc32(_encoded(text), self.checksum)
        self.compacted += len(text)
        self.pieces.clear()

    def drop(self) -> None:
        self.pieces.clear()
        self.compacted = self.checksum = 0
        self.lost_start = True


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
