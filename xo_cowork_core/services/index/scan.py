"""Finds the transcripts of runtimes, and which changed since they were indexed. Blocks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk.transcripts import KeepsTranscripts
from xo_cowork_core.storage.jsonl import Stamp
from xo_cowork_core.storage.paths import is_unicode

MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Source:
    """A runtime whose files are indexed."""

    agent_name: str
    runtime: KeepsTranscripts


@dataclass(frozen=True, slots=True)
class Found:
    """One transcript as it lies there. `grew` means that it was indexed before, in another
    state."""

    path: str
    source: Source
    stamp: Stamp
    grew: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan says: files to read, the newest first, and files that are gone."""

    changed: Sequence[Found]
    gone: Sequence[str]


def scan(sources: Sequence[Source], known: Mapping[str, Stamp]) -> Changes:
    """Compare what is on disk with what was indexed. Folders that can't be read are empty."""
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
    newest = sorted(changed.values(), key=lambda each: each.stamp.changed_ns, reverse=True)
    return Changes(newest, [path for path in known if path not in there])


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
