"""Keeps the index true and answers lists from it.

One task belongs to it, started by `start` and ended by `stop`. It sleeps until somebody looks or
a turn changes a session; so it costs nothing while nobody does. All reading of files is in a
thread of its own, all writing in the database's.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from xo_cowork_core.sdk import Message, Unavailable
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index import session_rows as rows
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.scanner import NOTHING_MOVED
from xo_cowork_core.services.index.session_rows import NO_FLAGS, Flags, ProjectOf
from xo_cowork_core.services.index.transcript_readers import calls_of, indexed
from xo_cowork_core.services.index.usage_rows import write_calls
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.storage.database import Database, Work

T = TypeVar("T")
ALL = "all"
FRESH_SECONDS = 0.5
SOON_SECONDS = 0.3
PATIENCE_SECONDS = 0.1
SCAN_SHARE = 4  # a scan that takes long is not begun more often than one in this many times
FIRST_SECONDS = 1.0
RETRY_SECONDS = 2.0
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
log = logging.getLogger("xo_cowork.index")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index is; `percent` of the bytes that the running scan found to read."""

    running: bool
    percent: int
    sessions: int
    messages: int


class IndexSource(Protocol):
    """Brings in sessions that lie in no file."""

    async def refresh(self, index: "Index") -> None:
        """Write what changed with `Index.write_hosted`. Must not raise."""
        ...


class Index:
    """The index of one server. `moved` says where transcripts lie that were put away."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        project_of: ProjectOf,
        moved: Mapping[str, str] = NOTHING_MOVED,
    ) -> None:
        self._database = database
        self._project_of = project_of
        self._flags: dict[str, Flags] = {}
        self._upkeep = Indexer(database, registry, self.flags, project_of, moved)
        self._feeders: list[IndexSource] = []
        self._wanted = asyncio.Event()
        self._scanned = asyncio.Event()
        self._last_scan = float("-inf")
        self._fresh_seconds = FRESH_SECONDS
        self._open = False
        self._damage: sqlite3.DatabaseError | None = None
        # a turn changed something that no scan has begun to look at
        self._stale = False
        self._soon: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, flags: dict[str, Flags]) -> None:
        """Open the file and bring it up to date in the background. `flags` by session id."""
        self._flags = flags
        try:
            await self._reopen()
        except (OSError, sqlite3.Error) as error:
            # the rest of the server works without it; it is tried again
            log.error("the index could not be opened: %s", error)
        self._wanted.set()
        self._task = asyncio.create_task(self._tend(), name="index")

    async def stop(self) -> None:
        """End the task and close the file."""
        if self._soon:
            self._soon.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._upkeep.end()
        await self._database.close()

    def add_feeder(self, feeder: IndexSource) -> None:
        """Ask this feeder, too, at each look."""
        self._feeders.append(feeder)

    @property
    def generation(self) -> int:
        """Another one after the file was opened anew: it may be an empty one."""
        return self._database.state[0]

    @property
    def state(self) -> tuple[int, int]:
        """Another one when something may be told otherwise than before."""
        return self._database.state

    async def ask(self, work: Work[T]) -> T:
        """Run a query. Raises Unavailable when the index can't be read."""
        generation = self.generation
        try:
            return await self._database.read(work)
        except sqlite3.Error as error:
            log.error("the index could not be read: %s", error)
            if generation == self.generation:
                self._note_damage(error)
            self._want()
            raise Unavailable("The index of sessions can't be read; it is made anew") from error

    async def look(self) -> None:
        """Somebody looks: see to it that what they get is at most about half a second old.

        Waits a little for that, longer while the first look of this start is under way.
        """
        if self._task is None:
            return
        now = asyncio.get_running_loop().time()
        fresh = now - self._last_scan < self._fresh_seconds
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

    def rescan(self) -> None:
        """Look for changes now, in the background."""
        self._want()

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
                place = rows.place_of(row.session_id)
                write_calls(connection, place, row.agent_name, calls, row.session_id)

        await self._database.write(write)

    async def forget_hosted(self, session_id: str) -> None:
        """Forget a session that its host has no more, unless it lies in a file."""
        await self._database.write(lambda connection: rows.forget_hosted(connection, session_id))

    async def note_taken(self, marks: Mapping[str, int]) -> None:
        """Forget that these projects were counted anew, unless they were once more."""
        await self._database.write(
            lambda connection: connection.executemany(
                "DELETE FROM recounted WHERE agent_id = ? AND mark = ?", list(marks.items())
            )
        )

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's messages from its file; None when it has none that is indexed."""
        if self._stale:
            # an edit may have begun a new file
            await self.look()
        path = await self.ask(
            lambda connection: next(iter(queries.paths_of(connection, session_id)), None)
        )
        return await self._upkeep.messages(path) if path else None

    async def progress(self, workspace: str) -> Progress:
        """Say how far the index is, and what it holds of a project (path or id) or `all`."""
        # a client's URL library may fold the two slashes before an absolute path into one
        place = f"/{workspace.lstrip('/')}" if "/" in workspace else None
        project = (self._project_of(place) if place else None) or workspace
        agent_id = None if workspace == ALL else project
        sessions, messages = await self.ask(lambda connection: rows.counts(connection, agent_id))
        running = not self._scanned.is_set()
        return Progress(running, self._upkeep.percent if running else 100, sessions, messages)

    def _want(self) -> None:
        if self._soon:
            self._soon.cancel()
            self._soon = None
        self._scanned.clear()
        self._wanted.set()

    async def _tend(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._stale = False
            self._last_scan = loop.time()
            try:
                await self._refresh()
            except (OSError, sqlite3.Error) as error:
                log.error("the index could not be brought up to date: %s", error)
                self._note_damage(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # something of a plugin's that nobody foresaw: it must not be the last look
                log.exception("the index could not be brought up to date")
                await asyncio.sleep(RETRY_SECONDS)
            self._fresh_seconds = max(FRESH_SECONDS, SCAN_SHARE * self._upkeep.scan_seconds)
            if not self._wanted.is_set() and not self._stale:
                self._scanned.set()

    def _note_damage(self, error: OSError | sqlite3.Error) -> None:
        """A cache that is damaged is made anew; a full disk or a lock passes by itself."""
        if isinstance(error, sqlite3.DatabaseError) and code_of(error) in DAMAGED:
            self._damage, self._open = error, False

    async def _refresh(self) -> None:
        if not self._open or await asyncio.to_thread(self._database.lost):
            await self._reopen()
        if await self._upkeep.refresh():
            self._want()
        for feeder in self._feeders:
            await feeder.refresh(self)

    async def _reopen(self) -> None:
        self._open = False
        if self._damage:
            await self._database.replace(self._damage)
            self._damage = None
        else:
            await self._database.reopen()
        hidden = {session_id for session_id, flags in self._flags.items() if flags.hidden}
        await self._database.write(lambda connection: rows.hide_only(connection, hidden))
        await self._upkeep.begin()
        self._open = True


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's own code; 0 for an error that is Python's."""
    # the low byte: the rest says more of the same
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
