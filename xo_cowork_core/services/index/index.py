"""Reads and writes the index of all runtimes' histories, and requests its refreshes.

`IndexRefresher` owns the task that brings the index up to date; an `Index` starts no task. Reads
and writes run in the database's threads.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.runtime.history import Message
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index import session_rows as rows
from xo_cowork_core.services.index.indexed_messages import indexed_messages, usage_of
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.refresh_requests import RefreshRequests
from xo_cowork_core.services.index.session_rows import NO_FLAGS, Flags, ProjectOf
from xo_cowork_core.services.index.usage_rows import write_calls
from xo_cowork_core.storage.database import Database, Work

T = TypeVar("T")
ALL = "all"
COMPACT_BYTES = 4 << 20
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
log = logging.getLogger("xo_cowork.index")


class Progress(NamedTuple):
    """How much is indexed. `percent` counts the bytes that the running scan has to read."""

    running: bool
    percent: int
    sessions: int
    messages: int


class Index:
    """The index of one server: one SQLite file, its queries and its writes."""

    def __init__(self, database: Database, indexer: Indexer, project_of: ProjectOf) -> None:
        self.requests = RefreshRequests()
        self._database = database
        self._indexer = indexer
        self._project_of = project_of
        self._flags: dict[str, Flags] = {}
        self._is_open = False
        self._damage: sqlite3.DatabaseError | None = None

    @property
    def generation(self) -> int:
        """The number of this opening of the file. After another opening it may be empty."""
        return self._database.state[0]

    @property
    def state(self) -> tuple[int, int]:
        """A version of the content: it differs after each write and each opening."""
        return self._database.state

    def load_flags(self, flags: Mapping[str, Flags]) -> None:
        """Replace all flags, by session id. Call it before the file is opened."""
        self._flags = dict(flags)

    async def open(self) -> None:
        """Open the file; create it when it is missing, replace it when it is damaged.

        Does nothing when it is open and still the same file. Raises OSError, sqlite3.Error.
        """
        if self._is_open and not await asyncio.to_thread(self._database.is_lost):
            return
        self._is_open = False
        if self._damage:
            await self._database.replace(self._damage)
            self._damage = None
        else:
            await self._database.reopen()
        hidden = {session_id for session_id, flags in self._flags.items() if flags.hidden}
        await self._database.write(lambda connection: rows.hide_only(connection, hidden))
        await self._indexer.load_indexed_files()
        self._is_open = True

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    def note_error(self, error: OSError | sqlite3.Error) -> None:
        """Replace the file at the next opening when an error says that it is damaged.

        A full disk or a lock is temporary.
        """
        if isinstance(error, sqlite3.DatabaseError) and code_of(error) in DAMAGED:
            self._damage, self._is_open = error, False

    async def ensure_fresh(self) -> None:
        """Refresh the index if the last scan is older than 0.5 s, and wait up to 1 s for that."""
        await self.requests.ensure_fresh()

    async def rescan(self, seconds: float) -> None:
        """Scan, however fresh the last scan is, and wait for it at most `seconds`."""
        await self.requests.rescan(seconds)

    def request_scan(self) -> None:
        """Request a scan in the background, at once."""
        self.requests.request_scan()

    def mark_stale(self) -> None:
        """Called after a turn changed a session: scan soon, or as soon as the index is read."""
        self.requests.mark_stale()

    async def compact(self) -> None:
        """Return the space that a large write left free."""
        await self._database.compact(COMPACT_BYTES)

    async def query(self, work: Work[T]) -> T:
        """Run a query. Raises Unavailable when the index can't be read."""
        generation = self.generation
        try:
            return await self._database.read(work)
        except sqlite3.Error as error:
            log.error("the index could not be read: %s", error)
            if generation == self.generation:
                self.note_error(error)
            self.request_scan()
            raise Unavailable("The index of sessions can't be read; it is rebuilt") from error

    def flags(self, session_id: str) -> Flags:
        """Return the flags that a person set on a session."""
        return self._flags.get(session_id, NO_FLAGS)

    async def set_flags(self, session_id: str, flags: Flags) -> None:
        """Store the flags that a person set on a session."""
        self._flags[session_id] = flags
        await self._database.write(
            lambda connection: rows.write_flags(connection, session_id, flags, self._project_of)
        )

    async def write_session(self, row: rows.SessionRow, messages: Sequence[Message] | None) -> None:
        """Write a session that has no transcript file, with its messages and model calls where
        they are given."""
        texts = indexed_messages(messages) if messages is not None else None
        calls = usage_of(row.session_id, messages or ())

        def write(connection: sqlite3.Connection) -> None:
            flags = self.flags(row.session_id)
            rows.write_session(connection, row, texts, flags, self._project_of)
            if messages is not None:
                place = rows.place_of(row.session_id)
                write_calls(connection, place, row.agent_name, calls, row.session_id)

        await self._database.write(write)

    async def delete_session(self, session_id: str) -> None:
        """Delete the rows of a session that has no transcript file."""
        await self._database.write(
            lambda connection: rows.delete_hosted_session(connection, session_id)
        )

    async def clear_dirty_projects(self, marks: Mapping[str, int]) -> None:
        """Clear the dirty state of projects whose mark is still the given one."""
        await self._database.write(
            lambda connection: connection.executemany(
                "DELETE FROM dirty_projects WHERE agent_id = ? AND mark = ?", list(marks.items())
            )
        )

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's messages from its transcript; None when none is indexed."""
        if self.requests.is_stale:
            # an edit may have begun a new file
            await self.ensure_fresh()
        path = await self.query(
            lambda connection: next(iter(queries.paths_of(connection, session_id)), None)
        )
        return await self._indexer.messages(path) if path else None

    async def progress(self, workspace: str) -> Progress:
        """Return how much is indexed of a project (path or id), or of `all`."""
        # a client's URL library may fold the two slashes before an absolute path into one
        folder = f"/{workspace.lstrip('/')}" if "/" in workspace else None
        project = (self._project_of(folder) if folder else None) or workspace
        agent_id = None if workspace == ALL else project
        sessions, messages = await self.query(lambda connection: rows.counts(connection, agent_id))
        running = self.requests.is_scanning
        return Progress(running, self._indexer.percent if running else 100, sessions, messages)


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 for an error that is Python's."""
    # the low byte: the others extend it
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
