"""The event log: every stream's entries, in memory while it runs, in SQLite behind it.

Two tasks belong to the log. The saver commits new entries of all streams in one transaction, at
most `COMMIT_SECONDS` after they were appended, and at once when a stream has ended. A live entry
never waits for it; a terminal one is shown to readers when it is on disk. The pruner deletes old
streams. `stop` cancels the pruner and ends the saver after a last commit.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.eventlog.batches import Entry, EventBatch, pack, take_batch, unpack
from xo_cowork_core.services.eventlog.stream import Stream
from xo_cowork_core.storage.database import Database

COMMIT_SECONDS = 0.03
RETRY_SECONDS = 1.0
DRAIN_SECONDS = 30.0
END_SECONDS = 2.0
KEEP = timedelta(hours=24)
KEEP_BYTES = 1 << 30
PRUNE_SECONDS = 3600.0
PAGES_PER_WRITE = 512
LOOK_SECONDS = 0.25
STATE_LOST = "The state folder was removed or replaced; put it back, or restart the server"
DISK_FAILS = "The state folder cannot be written; is its disk full?"
log = logging.getLogger("xo_cowork.eventlog")


class StoredStream(NamedTuple):
    """The row of one stream. `restart_id` (column `cut`) is the first id after the restart that
    closed the stream; 0 where no restart interrupted it."""

    stream_id: str
    session_id: str
    ended_at: str | None
    last_id: int
    restart_id: int


class EventLog:
    """All streams of one server."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._live: dict[str, Stream] = {}
        self._dirty: dict[str, Stream] = {}
        self._has_dirty = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._committed = asyncio.Condition()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._looked_at, self._is_lost = -LOOK_SECONDS, False
        self.failing = False
        self.entries_total = 0

    def start(self) -> None:
        """Start the saver and the pruner."""
        self._tasks = [
            asyncio.create_task(self._save_forever(), name="eventlog saver"),
            asyncio.create_task(self._prune_forever(), name="eventlog pruner"),
        ]

    async def stop(self) -> None:
        """Commit the unsaved entries, once, and stop."""
        self._stopping = True
        self._has_dirty.set()
        self._has_ended.set()
        for task in self._tasks[1:]:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    def open(self, stream_id: str) -> Stream:
        """Begin a stream. Its row must be stored before its first entry is."""
        stream = Stream(stream_id)
        self._live[stream_id] = stream
        return stream

    def discard(self, stream_id: str) -> None:
        """Drop a stream without entries: its row could not be stored."""
        self._live.pop(stream_id, None)

    def mark_dirty(self, stream: Stream) -> None:
        """Note that a stream has unsaved entries. Cheap: called for every entry."""
        if stream.stream_id not in self._dirty:
            self._dirty[stream.stream_id] = stream
            self._has_dirty.set()

    async def drain(self, stream: Stream) -> None:
        """Wait while too much of a stream is unsaved and the disk works."""
        if not await self._wait_for_commit(lambda: not stream.full, DRAIN_SECONDS):
            log.warning("the disk is slow: stream %s waits for it", stream.stream_id)

    async def wait_for_end(self, stream: Stream) -> None:
        """Wait until the terminal entry of a stream is on disk, while the disk works."""
        self._has_ended.set()
        if not await self._wait_for_commit(lambda: stream.saved_id == stream.last_id, END_SECONDS):
            log.warning("the disk is slow: the end of stream %s is not saved", stream.stream_id)

    async def find_problem(self) -> str:
        """Return why turns cannot be stored at present, as a sentence for people; "" if they can.

        A removed file is still written to, but nothing finds it after a restart. The look for it
        is at most `LOOK_SECONDS` old.
        """
        now = self._clock.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._is_lost = await asyncio.to_thread(self._database.is_lost)
        if self._is_lost:
            return STATE_LOST
        return DISK_FAILS if self.failing else ""

    def live(self, stream_id: str) -> Stream | None:
        """Return the live end of a stream, if it is in memory."""
        return self._live.get(stream_id)

    async def stored(self, stream_id: str) -> StoredStream | None:
        """Return a stream's row."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT stream_id, session_id, ended_at, last_id, cut FROM streams"
                " WHERE stream_id = ?",
                (stream_id,),
            ).fetchall()
        )
        return StoredStream(*rows[0]) if rows else None

    async def saved_after(self, stream_id: str, last_seen: int) -> EventBatch | None:
        """Read the first entries on disk after id `last_seen`; None when there are none.

        The batch starts later than `last_seen + 1` where entries were lost.
        """
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT first_id, body FROM blocks WHERE stream_id = ? AND last_id > ?"
                " ORDER BY first_id LIMIT 1",
                (stream_id, last_seen),
            ).fetchone()
        )
        if row is None:
            return None
        first_id, entries = row[0], unpack(row[1])
        skip = max(0, last_seen - first_id + 1)
        return EventBatch(first_id + skip, take_batch(entries, skip))

    async def _save_forever(self) -> None:
        while not (self._stopping and not self._dirty):
            await self._has_dirty.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self._has_ended.wait()
            if not self._stopping:
                self._has_ended.clear()
            self._has_dirty.clear()
            dirty, self._dirty = self._dirty, {}
            try:
                await self._save(list(dirty.values()))
                self._record_health(None)
            except sqlite3.Error as error:
                self._record_health(error)
                for stream in dirty.values():
                    stream.evict_oldest()
                if self._stopping:
                    return
                self._dirty = dirty | self._dirty
                self._has_dirty.set()
            async with self._committed:
                self._committed.notify_all()
            if self.failing:
                await asyncio.sleep(RETRY_SECONDS)

    async def _wait_for_commit(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Wait for a commit after which `is_done`, or for a failing disk; False when it took
        longer than `seconds`."""
        async with self._committed:
            try:
                async with asyncio.timeout(seconds):
                    return await self._committed.wait_for(lambda: is_done() or self.failing)
            except TimeoutError:
                return False

    async def _save(self, streams: Sequence[Stream]) -> None:
        batches = [(stream, stream.unsaved()) for stream in streams]
        rows = [(stream.stream_id, batch) for stream, batch in batches]
        now = stamp(self._clock.now())
        await self._database.write(lambda connection: insert_batches(connection, rows, now))
        for stream, batch in batches:
            stream.mark_saved(batch)
            self.entries_total += len(batch.entries)
            if stream.ended and stream.saved_id == stream.last_id:
                self._live.pop(stream.stream_id, None)
            elif stream.last_id > stream.saved_id:
                self.mark_dirty(stream)

    def _record_health(self, error: sqlite3.Error | None) -> None:
        if error and not self.failing:
            log.error("the event log cannot be written (%s); streams go on in memory", error)
        elif self.failing and not error:
            log.warning("the event log can be written again")
        self.failing = error is not None

    async def _prune_forever(self) -> None:
        while True:
            try:
                await self.prune()
            except sqlite3.Error as error:
                log.warning("old streams could not be pruned: %s", error)
            await asyncio.sleep(PRUNE_SECONDS)

    async def prune(self) -> int:
        """Delete streams that ended over 24 h ago, then the oldest above 1 GiB; return how many."""
        oldest = self._clock.now() - KEEP
        count = await self._database.write(lambda connection: _prune(connection, oldest))
        while await self._database.write(_free_pages):
            pass
        return count


def insert_batches(
    connection: sqlite3.Connection, batches: Sequence[tuple[str, EventBatch]], now: str
) -> None:
    """Store batches by stream id; a terminal one ends its stream at `now`."""
    for stream_id, batch in batches:
        size = 0
        start = 0
        while start < len(batch.entries):
            piece = take_batch(batch.entries, start)
            first_id = batch.first_id + start
            body = pack(piece)
            connection.execute(
                "INSERT INTO blocks (stream_id, first_id, last_id, body) VALUES (?, ?, ?, ?)",
                (stream_id, first_id, first_id + len(piece) - 1, body),
            )
            size += len(body)
            start += len(piece)
        connection.execute(
            "UPDATE streams SET last_id = ?, bytes = bytes + ?,"
            " ended_at = CASE WHEN ? THEN ? ELSE ended_at END WHERE stream_id = ?",
            (batch.last_id, size, batch.terminal, now, stream_id),
        )


def _prune(connection: sqlite3.Connection, oldest: datetime) -> int:
    rows = connection.execute(
        "SELECT stream_id, ended_at, bytes, SUM(bytes) OVER (ORDER BY started_at DESC)"
        " FROM streams WHERE ended_at IS NOT NULL"
    ).fetchall()
    limit = stamp(oldest)
    pruned = [(row[0],) for row in rows if row[1] < limit or row[3] > KEEP_BYTES]
    connection.executemany("DELETE FROM blocks WHERE stream_id = ?", pruned)
    connection.executemany("DELETE FROM streams WHERE stream_id = ?", pruned)
    return len(pruned)


def _free_pages(connection: sqlite3.Connection) -> bool:
    """Return some free pages to the file system; return whether there are more."""
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    for _ in range(min(free, PAGES_PER_WRITE)):
        # one page a statement: Python runs a statement without columns for one step only
        connection.execute("PRAGMA incremental_vacuum(1)")
    return 0 < connection.execute("PRAGMA freelist_count").fetchone()[0] < free


def read_entries(connection: sqlite3.Connection, stream_id: str) -> list[Entry]:
    """Return all stored entries of one stream, in order."""
    rows = connection.execute(
        "SELECT body FROM blocks WHERE stream_id = ? ORDER BY first_id", (stream_id,)
    )
    return [entry for (body,) in rows for entry in unpack(body)]
