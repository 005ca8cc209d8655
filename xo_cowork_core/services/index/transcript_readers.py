"""Reads transcripts bit by bit. Blocks; belongs to one thread at a time.

The readers of the files that changed last stay in memory, so that a growing file is read once;
any other change of a file (shorter, another inode) makes it be read afresh.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk import Message, SessionRecord, TextPart, ToolPart
from xo_cowork_core.sdk.runtime.transcripts import Transcript, UsageRecord
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.index.scanner import (
    TranscriptFile,
    TranscriptLocations,
    TranscriptSource,
)
from xo_cowork_core.storage.jsonl import FileFingerprint, Tail

OPEN_READERS = 16
OPEN_BYTES = 32 << 20
LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class IndexedMessage:
    """What search and counts need of a message. `digest` tells whether it changed; `seconds` is
    how long its answer took to begin, None for a user's message or after a long pause."""

    number: int
    digest: bytes
    text: str
    day: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ParsedTranscript:
    """One file as it stands now. `needs` are the transcripts that it goes on from, found or not."""

    found: TranscriptFile
    record: SessionRecord | None
    messages: Sequence[IndexedMessage]
    usage: Sequence[UsageRecord]
    needs: Sequence[str] = ()


@dataclass(slots=True)
class _Open:
    tail: Tail
    stamp: FileFingerprint
    transcript: Transcript
    messages: Sequence[Message] | None = None
    needs: tuple[str, ...] = ()

    def goes_on_in(self, found: TranscriptFile) -> bool:
        """Say whether a file may be what was read, and more: one that is as long as before, but
        newer, was written over."""
        same = (self.tail.path, self.stamp.inode) == (found.place, found.stamp.inode)
        return same and (self.stamp == found.stamp or self.stamp.size < found.stamp.size)


class TranscriptReaders:
    """All files that are being read."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, _Open] = OrderedDict()

    def read(self, found: TranscriptFile, places: TranscriptLocations) -> ParsedTranscript:
        """Read what is new in a file. Raises OSError.

        Its reader is kept only when the file grows: most are read once in a server's life.
        """
        if found.afresh:
            self.forget(found.path)
        reader = self._advance(found, places)
        if found.grew:
            self._keep(found.path, reader)
        return ParsedTranscript(
            found,
            reader.transcript.record(),
            indexed(reader.transcript.outline()),
            reader.transcript.usage(),
            reader.needs,
        )

    def messages(
        self, path: str, source: TranscriptSource, places: TranscriptLocations
    ) -> Sequence[Message]:
        """Return all messages of a file as it is now. Raises OSError."""
        reader = self._advance(TranscriptFile(path, source, FileFingerprint.of(Path(path))), places)
        self._keep(path, reader)
        if reader.messages is None:
            reader.messages = reader.transcript.messages()
        return reader.messages

    def forget(self, path: str) -> None:
        """Drop a file's reader."""
        self._open.pop(path, None)

    def _advance(self, found: TranscriptFile, places: TranscriptLocations) -> _Open:
        reader = self._reader(found)
        before = reader.tail.offset
        _read_on(reader)
        if reader.tail.offset != before:
            _join(reader, found.source, places, (found.path,))
            reader.messages = None
        reader.stamp = found.stamp
        return reader

    def _reader(self, found: TranscriptFile) -> _Open:
        reader = self._open.pop(found.path, None)
        if reader and reader.goes_on_in(found) and reader.tail.holds():
            return reader
        return _begin(found)

    def _keep(self, path: str, reader: _Open) -> None:
        self._open[path] = reader
        total = sum(each.stamp.size for each in self._open.values())
        while len(self._open) > OPEN_READERS or (total > OPEN_BYTES and len(self._open) > 1):
            _, dropped = self._open.popitem(last=False)
            total -= dropped.stamp.size


def _begin(found: TranscriptFile) -> _Open:
    transcript = found.source.runtime.open_transcript(Path(found.path))
    return _Open(Tail(found.place), found.stamp, transcript)


def _read_on(reader: _Open) -> None:
    for lines in reader.tail.batches():
        reader.transcript.feed(lines)


def _join(
    reader: _Open, source: TranscriptSource, places: TranscriptLocations, above: tuple[str, ...]
) -> None:
    """Read what a transcript goes on from, and what that goes on from, and so on."""
    name = reader.transcript.base()
    if name is None or reader.needs:
        return
    reader.needs = (name,)
    found = places.find(source, name)
    if found is None or found.path in above:
        return
    base = _begin(found)
    try:
        _read_on(base)
    except OSError:
        # gone since it was found: the next scan says so
        return
    _join(base, source, places, (*above, found.path))
    reader.needs += base.needs
    reader.transcript.go_on_from(base.transcript)


def indexed(messages: Sequence[Message]) -> list[IndexedMessage]:
    """Return messages' words (what people wrote and read, not tool output) and times."""
    found: list[IndexedMessage] = []
    before: Message | None = None
    for number, message in enumerate(messages):
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        text = "\n\n".join(texts).encode("utf-8", "replace").decode()
        digest = hashlib.blake2b(f"{message.id}\0{text}".encode(), digest_size=12).digest()
        day = stamp(message.time_created)[:10]
        found.append(IndexedMessage(number, digest, text, day, _seconds(before, message)))
        before = message
    return found


def _seconds(before: Message | None, message: Message) -> float | None:
    if before is None or before.role != "user" or message.role != "assistant":
        return None
    seconds = (message.time_created - before.time_created).total_seconds()
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def usage_of(session_id: str, messages: Sequence[Message]) -> list[UsageRecord]:
    """Return what messages of a store without transcripts say of model calls."""
    return [
        UsageRecord(
            key=f"{session_id}:{message.id}",
            time=message.time_created,
            model_id=message.model_id or "unknown",
            provider_id=message.provider_id or "",
            tokens=message.tokens,
            cost=message.cost,
            tools=tuple(part.tool for part in message.parts if isinstance(part, ToolPart)),
            session_id=session_id,
        )
        for message in messages
        if message.tokens
    ]
