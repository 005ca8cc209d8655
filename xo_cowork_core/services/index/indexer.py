"""Brings the index up to date with the transcripts on disk, a batch at a time.

All reading of files is in a thread of its own, all writing in the database's; both in small steps,
so that others get their turn.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from xo_cowork_core.sdk import Message, UpstreamFailed
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.index import session_rows as rows
from xo_cowork_core.services.index.scanner import (
    NOTHING_MOVED,
    Changes,
    TranscriptFile,
    TranscriptLocations,
    TranscriptSource,
    scan,
    source_of,
)
from xo_cowork_core.services.index.session_rows import Flags, ProjectOf
from xo_cowork_core.services.index.transcript_readers import ParsedTranscript, TranscriptReaders
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.jsonl import FileFingerprint

FlagsOf = Callable[[str], Flags]
BATCH_BYTES = 16 << 20
BATCH_FILES = 256
WRONG_VALUES = (
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
log = logging.getLogger("xo_cowork.index")


class Indexer:
    """Reads what changed and writes its rows."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        project_of: ProjectOf,
        moved: Mapping[str, str] = NOTHING_MOVED,
    ) -> None:
        self._database = database
        self._registry = registry
        self._moved = moved
        self._project_of = project_of
        self._known: dict[str, FileFingerprint] = {}
        self._needs: dict[str, Sequence[str]] = {}
        self._feed = TranscriptReaders()
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="index-read")
        self._total = self._done = 0
        self.scan_seconds = 0.0

    @property
    def percent(self) -> int:
        """How much of what the last scan found is read."""
        return 100 * self._done // self._total if self._total else 100

    async def load_indexed_files(self) -> None:
        """Learn what is indexed. Raises sqlite3.Error."""
        self._known = await self._database.read(rows.known_files)
        self._needs = await self._database.read(rows.known_needs)

    def close(self) -> None:
        """Let the thread go once it is done."""
        self._reading.shutdown(wait=False, cancel_futures=True)

    async def refresh(self, flags_of: FlagsOf) -> bool:
        """Read and write what changed; True when it left something to read again.

        Raises OSError, sqlite3.Error: then what is missing is found again by the next one.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        changes = await loop.run_in_executor(self._reading, self._scan)
        self.scan_seconds = loop.time() - begun
        again = await self._forget(changes)
        self._total = sum(found.stamp.size for found in changes.changed)
        self._done = 0
        places = TranscriptLocations(self._moved)
        for batch in _batches(changes.changed):
            readings = await loop.run_in_executor(self._reading, self._read, batch, places)
            again |= await self._write(readings, flags_of)
            self._done += sum(found.stamp.size for found in batch)
        for path in again:
            self._known.pop(path, None)
        return bool(again)

    async def messages(self, path: str) -> Sequence[Message] | None:
        """Read all messages of a file as it is now; None when it is not there. Raises
        UpstreamFailed when its reader, or the disk, fails."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, self._messages, path)
        except FileNotFoundError:
            return None
        except (Exception, SystemExit) as error:
            log.exception("%s could not be understood", path)
            raise UpstreamFailed(
                "The session's transcript could not be read; the log says why"
            ) from error

    def _scan(self) -> Changes:
        return scan(self._sources(), self._known, self._moved, self._needs)

    def _messages(self, path: str) -> Sequence[Message] | None:
        source = source_of(self._sources(), path)
        return (
            self._feed.messages(path, source, TranscriptLocations(self._moved)) if source else None
        )

    def _sources(self) -> list[TranscriptSource]:
        found = (_source(owner) for owner in self._registry.runtimes())
        return [source for source in found if source]

    async def _forget(self, changes: Changes) -> set[str]:
        def forget(connection: sqlite3.Connection) -> set[str]:
            return {again for path in changes.gone for again in rows.forget_file(connection, path)}

        again = await self._database.write(forget) if changes.gone else set[str]()
        for path in changes.gone:
            self._known.pop(path, None)
            self._needs.pop(path, None)
            self._feed.forget(path)
        return again.difference(changes.gone)

    def _read(
        self, batch: Sequence[TranscriptFile], places: TranscriptLocations
    ) -> list[ParsedTranscript]:
        readings: list[ParsedTranscript] = []
        for found in batch:
            try:
                readings.append(self._feed.read(found, places))
            except OSError as error:
                log.warning("%s could not be read: %s", found.path, error)
            except (Exception, SystemExit):
                # a plugin's reader is at fault: its file is left out, the others are indexed
                log.exception("%s could not be understood", found.path)
                readings.append(ParsedTranscript(found, None, (), ()))
        return readings

    async def _write(self, readings: Sequence[ParsedTranscript], flags_of: FlagsOf) -> set[str]:
        try:
            again = await self._write_all(readings, flags_of)
        except WRONG_VALUES:
            # a plugin told what no row can hold: find out whose it was
            again = set[str]()
            for reading in readings:
                again |= await self._write_one(reading, flags_of)
        for reading in readings:
            self._known[reading.found.path] = reading.found.stamp
            self._needs.pop(reading.found.path, None)
            if reading.needs:
                self._needs[reading.found.path] = reading.needs
        return again

    async def _write_one(self, reading: ParsedTranscript, flags_of: FlagsOf) -> set[str]:
        try:
            return await self._write_all([reading], flags_of)
        except WRONG_VALUES:
            log.exception("%s could not be indexed", reading.found.path)
            return await self._write_all([ParsedTranscript(reading.found, None, (), ())], flags_of)

    async def _write_all(self, readings: Sequence[ParsedTranscript], flags_of: FlagsOf) -> set[str]:
        def write(connection: sqlite3.Connection) -> set[str]:
            # a project's folder is resolved on disk: once a batch, not once a session
            project_of = cache(self._project_of)
            return rows.write_readings(connection, readings, flags_of, project_of)

        return await self._database.write(write)


def _source(owner: RegisteredRuntime) -> TranscriptSource | None:
    """Return a runtime's source. One that still starts has its files already: left out, they would
    be forgotten and read again."""
    runtime, plugin = owner.runtime, owner.plugin
    if not isinstance(runtime, KeepsTranscripts) or not (plugin.serves or plugin.is_starting):
        return None
    try:
        return TranscriptSource(owner.info.name, runtime, tuple(runtime.transcript_folders()))
    except (Exception, SystemExit):
        log.exception("%s could not say where its transcripts are", owner.info.name)
        return None


def _batches(changed: Sequence[TranscriptFile]) -> list[list[TranscriptFile]]:
    batches: list[list[TranscriptFile]] = [[]]
    size = 0
    for found in changed:
        full = size + found.stamp.size > BATCH_BYTES or len(batches[-1]) >= BATCH_FILES
        if batches[-1] and full:
            batches.append([])
            size = 0
        batches[-1].append(found)
        size += found.stamp.size
    return [batch for batch in batches if batch]
