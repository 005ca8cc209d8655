"""Keeps the index true and answers lists from it.

One task belongs to it, started by `start` and ended by `stop`. It sleeps until somebody looks or
a turn changes a session; so it costs nothing while nobody does. All reading of files is in a
thread of its own, all writing in the database's.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from xo_cowork_core.sdk import Message
from xo_cowork_core.sdk.transcripts import KeepsTranscripts
from xo_cowork_core.services.index import queries, rows
from xo_cowork_core.services.index.feed import Feed, Reading, calls_of, indexed
from xo_cowork_core.services.index.rows import NO_FLAGS, Flags
from xo_cowork_core.services.index.scan import Changes, Found, Source, scan
from xo_cowork_core.services.registry import Registry
from xo_cowork_core.storage.db import Database
from xo_cowork_core.storage.jsonl import Stamp

FRESH_SECONDS = 0.5
SOON_SECONDS = 0.3
PATIENCE_SECONDS = 0.1
FIRST_SECONDS = 1.0
BATCH_BYTES = 8 << 20
BATCH_FILES = 64
RETRY_SECONDS = 2.0
log = logging.getLogger("xo_cowork.index")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index is; `percent` of the bytes that the running scan found to read."""

    running: bool
    percent: int
    sessions: int
    messages: int


class Feeder(Protocol):
    """Brings in sessions that lie in no file."""

    async def refresh(self, index: "Index") -> None:
        """Write what changed with `Index.write_hosted`. Must not raise."""
        ...


class Index:
    """The index of one server."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        project_of: Callable[[str | None], str | None],
    ) -> None:
        self._database = database
        self._registry = registry
        self._project_of = project_of
        self._flags: dict[str, Flags] = {}
        self._known: dict[str, Stamp] = {}
        self._feed = Feed()
        self._feeders: list[Feeder] = []
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="index-read")
        self._wanted = asyncio.Event()
        self._scanned = asyncio.Event()
        self._last_scan = float("-inf")
        self._total = self._done = 0
        # a turn changed something that no scan has begun to look at
        self._stale = False
        self._soon: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, flags: dict[str, Flags]) -> None:
        """Open the file and bring it up to date in the background. `flags` by session id."""
        await asyncio.to_thread(self._database.open)
        self._flags = flags
        self._known = await self._database.read(rows.known_files)
        self._wanted.set()
        self._task = asyncio.create_task(self._tend(), name="index")

    async def stop(self) -> None:
        """End the task and close the file."""
        if self._soon:
            self._soon.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._reading.shutdown(wait=False, cancel_futures=True)
        await self._database.close()

    def add_feeder(self, feeder: Feeder) -> None:
        """Ask this feeder, too, at each look."""
        self._feeders.append(feeder)

    @property
    def database(self) -> Database:
        """For queries."""
        return self._database

    async def look(self) -> None:
        """Somebody looks: see to it that what they get is at most about half a second old.

        Waits a little for that, longer while the first look of this start is under way.
        """
        if self._task is None:
            return
        now = asyncio.get_running_loop().time()
        fresh = now - self._last_scan < FRESH_SECONDS
        if fresh and not self._stale and not self._wanted.is_set():
            return
        # what a turn of this server changed is waited for; what others wrote, hardly
        waits = self._stale or self._last_scan == float("-inf")
        self._want()
        await self.settled(FIRST_SECONDS if waits else PATIENCE_SECONDS)

    async def look_now(self, seconds: float) -> None:
        """Scan, however fresh the last scan is, and wait for it at most `seconds`."""
        if self._task:
            self._want()
            await self.settled(seconds)

    async def settled(self, seconds: float) -> bool:
        """Wait until a scan that begins now has ended; False when it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._scanned.wait()
        except TimeoutError:
            return False
        return True

    def changed(self) -> None:
        """A turn changed some session: bring it in soon, or as soon as somebody looks."""
        self._scanned.clear()
        self._stale = True
        if self._soon is None and self._task:
            self._soon = asyncio.get_running_loop().call_later(SOON_SECONDS, self._want)

    async def set_flags(self, session_id: str, flags: Flags) -> None:
        """Take over what a person set on a session."""
        self._flags[session_id] = flags
        await self._database.write(
            lambda connection: rows.write_flags(connection, session_id, flags, self._project_of)
        )

    def note_flags(self, session_id: str, flags: Flags) -> None:
        """Remember a session's flags for the next time that its row is written."""
        self._flags[session_id] = flags

    def flags(self, session_id: str) -> Flags:
        """Return what a person set on a session."""
        return self._flags.get(session_id, NO_FLAGS)

    async def write_hosted(self, row: rows.SessionRow, messages: Sequence[Message] | None) -> None:
        """Write the row of a session that lies in no file, with its messages and model calls
        where they are given."""
        words = indexed(messages) if messages is not None else None
        calls = calls_of(row.session_id, messages or ())

        def write(connection: sqlite3.Connection) -> None:
            flags = self.flags(row.session_id)
            rows.write_hosted(connection, row, words, flags, self._project_of)
            if messages is not None:
                place = f"session:{row.session_id}"
                rows.write_calls(connection, place, row.agent_name, calls, row.session_id)

        await self._database.write(write)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's messages from its file; None when it has none that is indexed."""
        path = await self._database.read(
            lambda connection: next(iter(queries.paths_of(connection, session_id)), None)
        )
        source = self._source_of(path) if path else None
        if path is None or source is None:
            return None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, self._feed.messages, path, source)
        except OSError:
            return None

    async def progress(self) -> Progress:
        """Say how far the index is."""
        sessions, messages = await self._database.read(rows.counts)
        percent = 100 * self._done // self._total if self._total else 100
        return Progress(not self._scanned.is_set(), percent, sessions, messages)

    def _want(self) -> None:
        if self._soon:
            self._soon.cancel()
            self._soon = None
        self._scanned.clear()
        self._wanted.set()

    async def _tend(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._stale = False
            self._last_scan = asyncio.get_running_loop().time()
            try:
                await self._refresh()
            except (OSError, sqlite3.Error) as error:
                log.error("the index could not be brought up to date: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            if not self._wanted.is_set() and not self._stale:
                self._scanned.set()

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        changes = await loop.run_in_executor(self._reading, scan, self._sources(), self._known)
        await self._forget(changes)
        self._total = sum(found.stamp.size for found in changes.changed)
        self._done = 0
        for batch in _batches(changes.changed):
            readings = await loop.run_in_executor(self._reading, self._read, batch)
            await self._write(readings)
            self._done += sum(found.stamp.size for found in batch)
        for feeder in self._feeders:
            await feeder.refresh(self)

    def _sources(self) -> list[Source]:
        return [
            Source(found.info.name, found.runtime)
            for found in self._registry.runtimes()
            if isinstance(found.runtime, KeepsTranscripts) and found.plugin.serves
        ]

    def _source_of(self, path: str) -> Source | None:
        places = ((s, f) for s in self._sources() for f in s.runtime.transcript_folders())
        return next((s for s, f in places if Path(path).is_relative_to(f)), None)

    async def _forget(self, changes: Changes) -> None:
        if not changes.gone:
            return

        def forget(connection: sqlite3.Connection) -> None:
            for path in changes.gone:
                rows.forget_file(connection, path)

        await self._database.write(forget)
        for path in changes.gone:
            self._known.pop(path, None)
            self._feed.forget(path)

    def _read(self, batch: Sequence[Found]) -> list[Reading]:
        readings: list[Reading] = []
        for found in batch:
            try:
                readings.append(self._feed.read(found))
            except OSError as error:
                log.warning("%s could not be read: %s", found.path, error)
            except Exception:
                # a plugin's reader is at fault: its file is left out, the others are indexed
                log.exception("%s could not be understood", found.path)
                readings.append(Reading(found, None, (), ()))
        return readings

    async def _write(self, readings: Sequence[Reading]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            for reading in readings:
                session_id = reading.record.session_id if reading.record else ""
                rows.write_reading(connection, reading, self.flags(session_id), self._project_of)

        await self._database.write(write)
        self._known.update({r.found.path: r.found.stamp for r in readings})


def _batches(changed: Sequence[Found]) -> list[list[Found]]:
    batches: list[list[Found]] = [[]]
    size = 0
    for found in changed:
        full = size + found.stamp.size > BATCH_BYTES or len(batches[-1]) >= BATCH_FILES
        if batches[-1] and full:
            batches.append([])
            size = 0
        batches[-1].append(found)
        size += found.stamp.size
    return [batch for batch in batches if batch]
