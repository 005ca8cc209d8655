"""Finds the transcripts of runtimes, and which changed since they were indexed. Blocks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from xo_cowork_core.sdk.transcripts import KeepsTranscripts
from xo_cowork_core.storage.jsonl import Stamp
from xo_cowork_core.storage.paths import is_unicode

MOST_DEPTH = 8
NOTHING_MOVED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Source:
    """A runtime whose files are indexed."""

    agent_name: str
    runtime: KeepsTranscripts


@dataclass(frozen=True, slots=True)
class Found:
    """One transcript as it lies there: at `moved`, where somebody put it away from its `path`.
    `grew` means that it was indexed before, in another state."""

    path: str
    source: Source
    stamp: Stamp
    grew: bool = False
    moved: str | None = None

    @property
    def place(self) -> Path:
        """Where it can be read."""
        return Path(self.moved or self.path)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan says: files to read, the newest first, and files that are gone."""

    changed: Sequence[Found]
    gone: Sequence[str]


def scan(
    sources: Sequence[Source],
    known: Mapping[str, Stamp],
    moved: Mapping[str, str] = NOTHING_MOVED,
) -> Changes:
    """Compare what is on disk with what was indexed. Folders that can't be read are empty.

    `moved` says where files lie that were put away; they count as if they lay where they were.
    """
    changed: dict[str, Found] = {}
    there: set[str] = set()
    for source in sources:
        for folder in source.runtime.transcript_folders():
            for path, stamp in _walk(str(folder), MOST_DEPTH):
                before = known.get(path)
                if before == stamp:
                    there.add(path)
                elif is_unicode(path) and source.runtime.is_transcript(Path(path)):
                    there.add(path)
                    changed[path] = Found(path, source, Stamp(*stamp), before is not None)
    # after the walk: what is put away meanwhile is found here
    for found in _moved(sources, known, moved):
        if found.path not in there:
            there.add(found.path)
            if known.get(found.path) != found.stamp:
                changed[found.path] = found
    newest = sorted(changed.values(), key=lambda each: each.stamp.changed_ns, reverse=True)
    return Changes(newest, [path for path in known if path not in there])


def _moved(
    sources: Sequence[Source], known: Mapping[str, Stamp], moved: Mapping[str, str]
) -> Iterator[Found]:
    # a copy: the other thread puts files away meanwhile
    for path, place in list(moved.items()):
        source = source_of(sources, path)
        if source:
            with suppress(FileNotFoundError):
                yield Found(path, source, Stamp.of(Path(place)), path in known, place)


def source_of(sources: Sequence[Source], path: str) -> Source | None:
    """Return whose folder a path is in."""
    places = ((s, folder) for s in sources for folder in s.runtime.transcript_folders())
    return next((s for s, folder in places if Path(path).is_relative_to(folder)), None)


def _walk(folder: str, depth: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield from _look(entry, depth)
    except OSError:
        return


def _look(entry: os.DirEntry[str], depth: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
    try:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            # a plain tuple: this is done for every file at every look
            yield entry.path, (status.st_ino, status.st_size, status.st_mtime_ns)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, depth - 1)
    except OSError:
        return
