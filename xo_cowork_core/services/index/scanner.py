"""Finds the transcripts of runtimes, and which changed since they were indexed. Blocks."""

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.storage.jsonl import FileFingerprint
from xo_cowork_core.storage.paths import is_unicode

MOST_DEPTH = 8
Look = tuple[int, int, int]  # a stamp, as a plain tuple: one is made for every file at every look
NOTHING_MOVED: Mapping[str, str] = MappingProxyType({})
NOTHING_NEEDED: Mapping[str, Collection[str]] = MappingProxyType({})
log = logging.getLogger("xo_cowork.index")


@dataclass(frozen=True, slots=True)
class TranscriptSource:
    """A runtime whose files are indexed, and the folders in which they lie."""

    agent_name: str
    runtime: KeepsTranscripts
    folders: tuple[Path, ...]

    def id_of(self, path: str) -> str | None:
        """Name a transcript as its runtime does; None for what that can't name."""
        try:
            return self.runtime.transcript_id(Path(path))
        except (Exception, SystemExit):
            log.exception("%s could not be named by %s", path, self.agent_name)
            return None


@dataclass(frozen=True, slots=True)
class TranscriptFile:
    """One transcript as it lies there: at `moved`, where somebody put it away from its `path`.
    `grew` means that it was indexed before, in another state; `afresh` that what it goes on from
    changed, so that nothing holds that was read of it."""

    path: str
    source: TranscriptSource
    stamp: FileFingerprint
    grew: bool = False
    moved: str | None = None
    afresh: bool = False

    @property
    def place(self) -> Path:
        """Where it can be read."""
        return Path(self.moved or self.path)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan says: files to read, the newest first, and files that are gone."""

    changed: Sequence[TranscriptFile]
    gone: Sequence[str]


def scan(
    sources: Sequence[TranscriptSource],
    known: Mapping[str, FileFingerprint],
    moved: Mapping[str, str] = NOTHING_MOVED,
    needs: Mapping[str, Collection[str]] = NOTHING_NEEDED,
) -> Changes:
    """Compare what is on disk with what was indexed. Folders that can't be read are empty.

    `moved` says where files lie that were put away; they count as if they lay where they were.
    `needs` says which transcripts a file goes on from: it is read again when one of them changed.
    """
    changed: dict[str, TranscriptFile] = {}
    there: dict[str, str | None] = {}
    for source, path, stamp in _files(sources):
        before = known.get(path)
        if before == stamp:
            there[path] = None
        elif is_unicode(path) and source.id_of(path) is not None:
            there[path] = None
            changed[path] = TranscriptFile(
                path, source, FileFingerprint(*stamp), before is not None
            )
    # after the walk: what is put away meanwhile is found here
    for found in _moved(sources, known, moved):
        if found.path not in there:
            there[found.path] = found.moved
            if known.get(found.path) != found.stamp:
                changed[found.path] = found
    gone = [path for path in known if path not in there]
    for path in _dependents(sources, [*changed, *gone], needs):
        source = source_of(sources, path)
        if path in there and source:
            before = changed.get(path) or TranscriptFile(
                path, source, known[path], True, there[path]
            )
            changed[path] = replace(before, afresh=True)
    newest = sorted(changed.values(), key=lambda each: each.stamp.changed_ns, reverse=True)
    return Changes(newest, gone)


def _dependents(
    sources: Sequence[TranscriptSource], paths: Iterable[str], needs: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the files that go on from one of these."""
    if not needs:
        return []
    names = {source.id_of(path) for path in paths for source in sources}
    return [path for path, wanted in needs.items() if not names.isdisjoint(wanted)]


class TranscriptLocations:
    """Where transcripts lie, by their ids. Looks when it is first asked, and not again."""

    def __init__(self, moved: Mapping[str, str] = NOTHING_MOVED) -> None:
        self._moved = moved
        self._found: dict[TranscriptSource, dict[str, TranscriptFile]] = {}

    def find(self, source: TranscriptSource, transcript_id: str) -> TranscriptFile | None:
        """Find a transcript; of copies, that with the first path."""
        if source not in self._found:
            self._found[source] = self._look(source)
        return self._found[source].get(transcript_id)

    def _look(self, source: TranscriptSource) -> dict[str, TranscriptFile]:
        found = {each.path: each for each in _moved([source], {}, self._moved)}
        for _, path, stamp in _files([source]):
            found[path] = TranscriptFile(path, source, FileFingerprint(*stamp))
        named: dict[str, TranscriptFile] = {}
        for path in sorted(path for path in found if is_unicode(path)):
            transcript_id = source.id_of(path)
            if transcript_id is not None:
                named.setdefault(transcript_id, found[path])
        return named


def _moved(
    sources: Sequence[TranscriptSource],
    known: Mapping[str, FileFingerprint],
    moved: Mapping[str, str],
) -> Iterator[TranscriptFile]:
    # a copy: the other thread puts files away meanwhile
    for path, place in list(moved.items()):
        source = source_of(sources, path)
        if source:
            with suppress(FileNotFoundError):
                yield TranscriptFile(
                    path, source, FileFingerprint.of(Path(place)), path in known, place
                )


def source_of(sources: Sequence[TranscriptSource], path: str) -> TranscriptSource | None:
    """Return whose folder a path is in."""
    places = ((source, folder) for source in sources for folder in source.folders)
    return next((found for found, folder in places if Path(path).is_relative_to(folder)), None)


def _files(sources: Sequence[TranscriptSource]) -> Iterator[tuple[TranscriptSource, str, Look]]:
    for source in sources:
        for folder in source.folders:
            for path, look in _walk(str(folder), MOST_DEPTH):
                yield source, path, look


def _walk(folder: str, depth: int) -> Iterator[tuple[str, Look]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield from _look(entry, depth)
    except OSError:
        return


def _look(entry: os.DirEntry[str], depth: int) -> Iterator[tuple[str, Look]]:
    try:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield entry.path, (status.st_ino, status.st_size, status.st_mtime_ns)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, depth - 1)
    except OSError:
        return
