"""Indexes changed transcripts in batches.

Files are read in one thread of this module's, rows are written in the database's thread; both in
small steps, so that other work on these threads is not held up.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache

from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.runtime.history import Message
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.index import session_rows as rows
from xo_cowork_core.services.index.message_rows import end_bulk, is_bulk, start_bulk
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
from xo_cowork_core.services.runtimes.calls import checked_plain_call
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    describe_exception,
    describe_fault,
)
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.jsonl import FileFingerprint

FlagsOf = Callable[[str], Flags]
BATCH_BYTES = 16 << 20
BATCH_FILES = 256
BULK_BYTES = 2 * BATCH_BYTES
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
    """Parses changed transcripts and writes their rows. `moved` maps paths of transcripts to
    their places in the trash; it changes as files are moved."""

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
        self._readers = TranscriptReaders()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index-read")
        self._total_bytes = self._done_bytes = 0
        self._scan_seconds = 0.0

    @property
    def percent(self) -> int:
        """The share of the last scan's changed bytes that is indexed."""
        return 100 * self._done_bytes // self._total_bytes if self._total_bytes else 100

    @property
    def scan_seconds(self) -> float:
        """How long the last comparison of files with the index took."""
        return self._scan_seconds

    async def load_indexed_files(self) -> None:
        """Read from the database which files are indexed. Raises sqlite3.Error."""
        self._known = await self._database.read(rows.known_files)
        self._needs = await self._database.read(rows.known_needs)
        if await self._database.read(is_bulk):
            # a server was killed while it indexed: what it did not index is found by the next scan
            await self._database.write(end_bulk)

    def close(self) -> None:
        """End the reading thread after its present step."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def refresh(self, flags_of: FlagsOf) -> bool:
        """Index the files that changed; True when some must be read again.

        Raises OSError, sqlite3.Error: the next refresh then finds what is missing.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        changes = await loop.run_in_executor(self._thread, self._scan)
        self._scan_seconds = loop.time() - start
        reread = await self._delete(changes.gone)
        self._total_bytes = sum(file.fingerprint.size for file in changes.changed)
        self._done_bytes = 0
        async with self._bulk_mode(self._total_bytes):
            reread |= await self._index(changes.changed, flags_of)
        for path in reread:
            self._known.pop(path, None)
        return bool(reread)

    async def messages(self, path: str) -> Sequence[Message] | None:
        """Read all messages of a file in its present state; None when it does not exist. Raises
        UpstreamFailed when its reader, or the disk, fails."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._messages, path)
        except FileNotFoundError:
            return None
        except (Exception, SystemExit) as error:
            log.exception("%s could not be parsed", path)
            raise UpstreamFailed(
                "The session's transcript could not be read; the log says why"
            ) from error

    def _scan(self) -> Changes:
        return scan(self._sources(), self._known, self._moved, self._needs)

    def _messages(self, path: str) -> Sequence[Message] | None:
        source = source_of(self._sources(), path)
        if source is None:
            return None
        return self._readers.messages(path, source, TranscriptLocations(self._moved))

    def _sources(self) -> list[TranscriptSource]:
        sources = (_source(owner) for owner in self._registry.runtimes())
        return [source for source in sources if source]

    async def _delete(self, paths: Sequence[str]) -> set[str]:
        """Delete the rows of files that are gone; return the paths to read again."""

        def delete(connection: sqlite3.Connection) -> set[str]:
            return {owner for path in paths for owner in rows.delete_file(connection, path)}

        reread = await self._database.write(delete) if paths else set[str]()
        for path in paths:
            self._known.pop(path, None)
            self._needs.pop(path, None)
            self._readers.discard(path)
        return reread.difference(paths)

    @asynccontextmanager
    async def _bulk_mode(self, size: int) -> AsyncGenerator[None]:
        """Let the database merge full-text segments later, where there are many bytes to index."""
        if size < BULK_BYTES:
            yield
            return
        await self._database.write(start_bulk)
        try:
            yield
        finally:
            await self._database.write(end_bulk)

    async def _index(self, files: Sequence[TranscriptFile], flags_of: FlagsOf) -> set[str]:
        loop = asyncio.get_running_loop()
        locations = TranscriptLocations(self._moved)
        reread = set[str]()
        for batch in _batches(files):
            transcripts = await loop.run_in_executor(self._thread, self._parse, batch, locations)
            reread |= await self._write(transcripts, flags_of)
            self._done_bytes += sum(file.fingerprint.size for file in batch)
        return reread

    def _parse(
        self, batch: Sequence[TranscriptFile], locations: TranscriptLocations
    ) -> list[ParsedTranscript]:
        transcripts: list[ParsedTranscript] = []
        for file in batch:
            try:
                transcripts.append(self._readers.parse(file, locations))
            except OSError as error:
                log.warning("%s could not be read: %s", file.path, error)
            except (Exception, SystemExit) as error:
                # a fault of a plugin's reader: its file is left out, the others are indexed
                file.source.plugin.add_fault("open_transcript()", describe_fault(error))
                log.exception("%s could not be parsed", file.path)
                transcripts.append(ParsedTranscript(file, None, (), ()))
        return transcripts

    async def _write(self, transcripts: Sequence[ParsedTranscript], flags_of: FlagsOf) -> set[str]:
        try:
            reread = await self._write_together(transcripts, flags_of)
        except WRONG_VALUES:
            # a plugin returned a value that no column can hold: find out for which file
            reread = set[str]()
            for transcript in transcripts:
                reread |= await self._write_one(transcript, flags_of)
        for transcript in transcripts:
            path = transcript.file.path
            self._known[path] = transcript.file.fingerprint
            self._needs.pop(path, None)
            if transcript.needs:
                self._needs[path] = transcript.needs
        return reread

    async def _write_one(self, transcript: ParsedTranscript, flags_of: FlagsOf) -> set[str]:
        try:
            return await self._write_together([transcript], flags_of)
        except WRONG_VALUES as error:
            fault = f"a transcript has a value of a wrong type: {describe_exception(error)}"
            transcript.file.source.plugin.add_fault("open_transcript()", fault)
            log.exception("%s could not be indexed", transcript.file.path)
            empty = ParsedTranscript(transcript.file, None, (), ())
            return await self._write_together([empty], flags_of)

    async def _write_together(
        self, transcripts: Sequence[ParsedTranscript], flags_of: FlagsOf
    ) -> set[str]:
        def write(connection: sqlite3.Connection) -> set[str]:
            # a project's folder is resolved on disk: once a batch, not once a session
            project_of = cache(self._project_of)
            return rows.write_transcripts(connection, transcripts, flags_of, project_of)

        return await self._database.write(write)


def _source(owner: RegisteredRuntime) -> TranscriptSource | None:
    """Return a runtime's source. One that is starting counts: without it, its files would be
    deleted from the index and read again."""
    runtime, plugin = owner.runtime, owner.plugin
    if not isinstance(runtime, KeepsTranscripts) or not (plugin.serves or plugin.is_starting):
        return None
    try:
        folders = checked_plain_call(runtime, KeepsTranscripts.transcript_folders)
    except PluginError as fault:
        plugin.add_fault("transcript_folders()", str(fault))
        return None
    return TranscriptSource(owner.info.name, runtime, tuple(folders), plugin)


def _batches(files: Sequence[TranscriptFile]) -> list[list[TranscriptFile]]:
    batches: list[list[TranscriptFile]] = [[]]
    size = 0
    for file in files:
        is_full = size + file.fingerprint.size > BATCH_BYTES or len(batches[-1]) >= BATCH_FILES
        if batches[-1] and is_full:
            batches.append([])
            size = 0
        batches[-1].append(file)
        size += file.fingerprint.size
    return [batch for batch in batches if batch]
