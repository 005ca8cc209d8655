"""Finds the transcripts of runtimes, and which changed since they were indexed. Blocks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk.transcripts import KeepsTranscripts
from xo_cowork_core.storage.jsonl import Stamp

MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Source:
    """A runtime whose files are indexed."""

    agent_name: str
    runtime: KeepsTranscripts


@dataclass(frozen=True, slots=True)
class Found:
    """One transcript as it lies there."""

    path: str
    source: Source
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan says: files to read, the newest first, and files that are gone."""

    changed: Sequence[Found]
    gone: Sequence[str]


def scan(sources: Sequence[Source], known: Mapping[str, Stamp]) -> Changes:
    """Compare what is on disk with what was indexed. Folders that can't be read are empty."""
    found: dict[str, Found] = {}
    for source in sources:
        for folder in source.runtime.transcript_folders():
            for path, stamp in _walk(str(folder), MOST_DEPTH):
                if source.runtime.is_transcript(Path(path)):
                    found[path] = Found(path, source, stamp)
    changed = [each for each in found.values() if known.get(each.path) != each.stamp]
    changed.sort(key=lambda each: each.stamp.changed_ns, reverse=True)
    return Changes(changed, [path for path in known if path not in found])


def _walk(folder: str, depth: int) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield entry.path, Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
            elif depth and entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, depth - 1)
        except OSError:
            continue
