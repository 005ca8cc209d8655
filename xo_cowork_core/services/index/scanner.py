"""Finds the transcripts of runtimes, and which changed since they were indexed. Blocks."""

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.runtimes.calls import checked_plain_call
from xo_cowork_core.services.runtimes.plugin_record import PluginError, PluginRecord
from xo_cowork_core.storage.jsonl import FileFingerprint
from xo_cowork_core.storage.paths import is_unicode

MAX_DEPTH = 8
# a fingerprint as a plain tuple: each scan makes one for every file
Status = tuple[int, int, int]
NOTHING_MOVED: Mapping[str, str] = MappingProxyType({})
NOTHING_NEEDED: Mapping[str, Collection[str]] = MappingProxyType({})
log = logging.getLogger("xo_cowork.index")


class TranscriptSource(NamedTuple):
    """A runtime whose files are indexed, and the folders that hold them."""

    agent_name: str
    runtime: KeepsTranscripts
    folders: tuple[Path, ...]
    plugin: PluginRecord

    def id_of(self, path: str) -> str | None:
        """Return the runtime's id of a transcript; None for a file that is none."""
        try:
            return checked_plain_call(self.runtime, KeepsTranscripts.transcript_id, Path(path))
        except PluginError as fault:
            self.plugin.add_fault("transcript_id()", str(fault))
            return None


class TranscriptFile(NamedTuple):
    """One transcript on disk. `moved_to` is set when it lies in the trash instead of at `path`;
    `was_indexed` when another state of it is indexed; `needs_reparse` when a transcript that it
    continues changed, so that nothing read before holds."""

    path: str
    source: TranscriptSource
    fingerprint: FileFingerprint
    was_indexed: bool = False
    moved_to: str | None = None
    needs_reparse: bool = False

    @property
    def location(self) -> Path:
        """Where it can be read."""
        return Path(self.moved_to or self.path)


class Changes(NamedTuple):
    """The result of a scan: files to read, newest first, and paths that are gone."""

    changed: Sequence[TranscriptFile]
    gone: Sequence[str]


def scan(
    sources: Sequence[TranscriptSource],
    known: Mapping[str, FileFingerprint],
    moved: Mapping[str, str] = NOTHING_MOVED,
    needs: Mapping[str, Collection[str]] = NOTHING_NEEDED,
) -> Changes:
    """Compare the files on disk with those that are indexed. An unreadable folder counts as empty.

    `moved` maps original paths to places in the trash: such files count as if they lay at the
    original. `needs` maps a path to the ids of transcripts that it continues: it is read again
    when one of these changed.
    """
    changed: dict[str, TranscriptFile] = {}
    present: dict[str, str | None] = {}
    for source, path, status in _files(sources):
        before = known.get(path)
        if before == status:
            present[path] = None
        elif is_unicode(path) and source.id_of(path) is not None:
            present[path] = None
            fingerprint = FileFingerprint(*status)
            changed[path] = TranscriptFile(path, source, fingerprint, before is not None)
    # after the walk: a file that is moved to the trash meanwhile is found here
    for file in _moved_files(sources, known, moved):
        if file.path not in present:
            present[file.path] = file.moved_to
            if known.get(file.path) != file.fingerprint:
                changed[file.path] = file
    gone = [path for path in known if path not in present]
    for path in _dependents(sources, [*changed, *gone], needs):
        source = source_of(sources, path)
        if path in present and source:
            file = changed.get(path) or TranscriptFile(
                path, source, known[path], True, present[path]
            )
            changed[path] = file._replace(needs_reparse=True)
    newest = sorted(changed.values(), key=lambda file: file.fingerprint.changed_ns, reverse=True)
    return Changes(newest, gone)


def _dependents(
    sources: Sequence[TranscriptSource], paths: Iterable[str], needs: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the files that continue one of these."""
    if not needs:
        return []
    ids = {source.id_of(path) for path in paths for source in sources}
    return [path for path, needed in needs.items() if not ids.isdisjoint(needed)]


class TranscriptLocations:
    """The files of transcripts by their ids. Each source is listed once, at the first search."""

    def __init__(self, moved: Mapping[str, str] = NOTHING_MOVED) -> None:
        self._moved = moved
        self._files: dict[TranscriptSource, dict[str, TranscriptFile]] = {}

    def find(self, source: TranscriptSource, transcript_id: str) -> TranscriptFile | None:
        """Find a transcript; of copies, the one with the first path."""
        if source not in self._files:
            self._files[source] = self._list(source)
        return self._files[source].get(transcript_id)

    def _list(self, source: TranscriptSource) -> dict[str, TranscriptFile]:
        by_path = {file.path: file for file in _moved_files([source], {}, self._moved)}
        for _, path, status in _files([source]):
            by_path[path] = TranscriptFile(path, source, FileFingerprint(*status))
        by_id: dict[str, TranscriptFile] = {}
        for path in sorted(path for path in by_path if is_unicode(path)):
            transcript_id = source.id_of(path)
            if transcript_id is not None:
                by_id.setdefault(transcript_id, by_path[path])
        return by_id


def _moved_files(
    sources: Sequence[TranscriptSource],
    known: Mapping[str, FileFingerprint],
    moved: Mapping[str, str],
) -> Iterator[TranscriptFile]:
    # a copy: the event loop's thread adds entries meanwhile
    for path, place in list(moved.items()):
        source = source_of(sources, path)
        if source:
            with suppress(FileNotFoundError):
                fingerprint = FileFingerprint.of(Path(place))
                yield TranscriptFile(path, source, fingerprint, path in known, place)


def source_of(sources: Sequence[TranscriptSource], path: str) -> TranscriptSource | None:
    """Return the source whose folder holds a path."""
    folders = ((source, folder) for source in sources for folder in source.folders)
    return next((source for source, folder in folders if Path(path).is_relative_to(folder)), None)


def _files(sources: Sequence[TranscriptSource]) -> Iterator[tuple[TranscriptSource, str, Status]]:
    for source in sources:
        for folder in source.folders:
            for path, status in _walk(str(folder), MAX_DEPTH):
                yield source, path, status


def _walk(folder: str, depth: int) -> Iterator[tuple[str, Status]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield from _visit(entry, depth)
    except OSError:
        return


def _visit(entry: os.DirEntry[str], depth: int) -> Iterator[tuple[str, Status]]:
    try:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield entry.path, (status.st_ino, status.st_size, status.st_mtime_ns)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, depth - 1)
    except OSError:
        return
