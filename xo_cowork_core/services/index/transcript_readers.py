"""Reads transcripts incrementally. Blocks; belongs to one thread at a time.

The readers of the files that changed last stay in memory, so that a growing file is read once;
after any other change (shorter, another inode) a file is read from its beginning.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts, Transcript, UsageRecord
from xo_cowork_core.services.index.indexed_messages import IndexedMessage, indexed_messages
from xo_cowork_core.services.index.scanner import (
    TranscriptFile,
    TranscriptLocations,
    TranscriptSource,
)
from xo_cowork_core.services.runtimes.calls import checked_plain_call, require_type
from xo_cowork_core.services.runtimes.type_checks import return_hint
from xo_cowork_core.storage.jsonl import FileFingerprint, Tail

MAX_READERS = 16
MAX_BYTES = 32 << 20


class ParsedTranscript(NamedTuple):
    """One file in its present state. `needs` are the ids of the transcripts that it continues,
    whether they exist or not."""

    file: TranscriptFile
    record: SessionRecord | None
    messages: Sequence[IndexedMessage]
    usage: Sequence[UsageRecord]
    needs: Sequence[str] = ()


@dataclass(slots=True)
class _Reader:
    tail: Tail
    fingerprint: FileFingerprint
    transcript: Transcript
    messages: Sequence[Message] | None = None
    needs: tuple[str, ...] = ()

    def may_continue(self, file: TranscriptFile) -> bool:
        """Whether a file may be what was read, and more. One that has the same size, but a newer
        time, was overwritten."""
        before, now = self.fingerprint, file.fingerprint
        is_same_file = (self.tail.path, before.inode) == (file.location, now.inode)
        return is_same_file and (before == now or before.size < now.size)


class TranscriptReaders:
    """Parses files, with a cache of readers."""

    def __init__(self) -> None:
        self._readers: OrderedDict[str, _Reader] = OrderedDict()

    def parse(self, file: TranscriptFile, locations: TranscriptLocations) -> ParsedTranscript:
        """Read what is new in a file. Raises OSError.

        Its reader is kept only when the file grew: most are read once in a server's life.
        """
        if file.needs_reparse:
            self.discard(file.path)
        reader = self._advance(file, locations)
        if file.was_indexed:
            self._keep(file.path, reader)
        transcript = reader.transcript
        return ParsedTranscript(
            file,
            _checked_record(transcript),
            indexed_messages(transcript.outline()),
            transcript.usage(),
            reader.needs,
        )

    def messages(
        self, path: str, source: TranscriptSource, locations: TranscriptLocations
    ) -> Sequence[Message]:
        """Return all messages of a file in its present state. Raises OSError."""
        file = TranscriptFile(path, source, FileFingerprint.of(Path(path)))
        reader = self._advance(file, locations)
        self._keep(path, reader)
        if reader.messages is None:
            messages = reader.transcript.messages()
            require_type(messages, return_hint(Transcript.messages), "messages()", of_agent=True)
            reader.messages = messages
        return reader.messages

    def discard(self, path: str) -> None:
        """Drop a file's reader."""
        self._readers.pop(path, None)

    def _advance(self, file: TranscriptFile, locations: TranscriptLocations) -> _Reader:
        reader = self._readers.pop(file.path, None)
        if not (reader and reader.may_continue(file) and reader.tail.is_unchanged()):
            reader = _new_reader(file)
        offset = reader.tail.offset
        _read_rest(reader)
        if reader.tail.offset != offset:
            _read_bases(reader, file.source, locations, (file.path,))
            reader.messages = None
        reader.fingerprint = file.fingerprint
        return reader

    def _keep(self, path: str, reader: _Reader) -> None:
        self._readers[path] = reader
        total = sum(each.fingerprint.size for each in self._readers.values())
        while len(self._readers) > MAX_READERS or (total > MAX_BYTES and len(self._readers) > 1):
            _, evicted = self._readers.popitem(last=False)
            total -= evicted.fingerprint.size


def _checked_record(transcript: Transcript) -> SessionRecord | None:
    record = transcript.record()
    require_type(record, return_hint(Transcript.record), "record()", of_agent=True)
    return record


def _new_reader(file: TranscriptFile) -> _Reader:
    runtime = file.source.runtime
    transcript = checked_plain_call(runtime, KeepsTranscripts.open_transcript, Path(file.path))
    return _Reader(Tail(file.location), file.fingerprint, transcript)


def _read_rest(reader: _Reader) -> None:
    for lines in reader.tail.batches():
        reader.transcript.feed(lines)


def _read_bases(
    reader: _Reader, source: TranscriptSource, locations: TranscriptLocations, path: tuple[str, ...]
) -> None:
    """Read the transcript that one continues, the one that this continues, and so on. `path`
    holds the files on the way, so that a cycle ends."""
    name = reader.transcript.base()
    if name is None or reader.needs:
        return
    reader.needs = (name,)
    file = locations.find(source, name)
    if file is None or file.path in path:
        return
    base = _new_reader(file)
    try:
        _read_rest(base)
    except OSError:
        # it was removed meanwhile: the next scan notices
        return
    _read_bases(base, source, locations, (*path, file.path))
    reader.needs += base.needs
    reader.transcript.continue_from(base.transcript)
