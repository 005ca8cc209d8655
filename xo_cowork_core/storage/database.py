"""One SQLite file in WAL mode: one writer thread, a few reader threads, never the event loop.

A commit is durable against the death of this process (`synchronous=NORMAL`: the write-ahead log
is written at commit and flushed to the platter at checkpoints). A file that is damaged is moved
aside, with its time in the name, and a fresh one is begun; where the schema names tables that can't
be had again, these are looked through at each opening, and what can be read is taken over.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from xo_cowork_core.storage.database_salvage import salvage
from xo_cowork_core.storage.database_writer import Writer

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
READERS = 2
PRAGMAS = ("auto_vacuum=INCREMENTAL",)
BUSY_SECONDS = 5.0
log = logging.getLogger("xo_cowork.db")


class Database:
    """A file and the threads that touch it. `schema` is applied once, step by step; `pragmas` to
    each connection. `durable_tables` names the tables that can't be had again."""

    def __init__(
        self,
        path: Path,
        schema: Sequence[str],
        pragmas: Sequence[str] = PRAGMAS,
        *,
        durable_tables: Sequence[str] = (),
    ) -> None:
        self._path = path
        self._schema = schema
        self._pragmas = pragmas
        self._dear = durable_tables
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._generation = 0
        self._inode = 0
        self._writer = Writer(self._mine)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")

    def open(self) -> None:
        """Create or migrate the file. Blocks; call it before the server listens."""
        try:
            self._migrate(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._begin_anew(error)
        self._inode = self._path.stat().st_ino

    def lost(self) -> bool:
        """Say whether the file was removed or replaced under the open connections. Blocks."""
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    async def reopen(self) -> None:
        """Open the file that is there now, or a new one; what connections are open give way."""

        def renew() -> None:
            self.open()
            self._generation += 1

        await self._writer.between(renew)

    async def replace(self, error: sqlite3.DatabaseError) -> None:
        """Begin anew after an `error` that says that the file is damaged."""

        def renew() -> None:
            self._begin_anew(error)
            self._inode = self._path.stat().st_ino
            # last: a reader that opens the file anew must not get hold of the damaged one
            self._generation += 1

        await self._writer.between(renew)

    @property
    def state(self) -> tuple[int, int]:
        """Another one after each reopening and each write, before that one's caller hears of it."""
        return self._generation, self._writer.commits

    async def write(self, work: Work[T]) -> T:
        """Run `work` on the writer thread and commit it; it is undone when it raises."""
        return await self._writer.write(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader thread. It sees every write that was awaited before."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    async def close(self) -> None:
        """Finish what was queued and close every connection."""
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.close()
        self._readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        fresh = self._beside(".new")
        for suffix in ("", "-wal", "-shm"):
            self._beside(f".new{suffix}").unlink(missing_ok=True)
        self._migrate(fresh)
        count = 0
        if self._dear:
            with closing(self._connect(fresh)) as connection:
                count = salvage(self._path, connection)
        aside = self._beside(f".broken-{int(time.time())}")
        self._path.replace(aside)
        with suppress(FileNotFoundError):
            self._beside("-wal").replace(aside.with_name(f"{aside.name}-wal"))
        self._beside("-shm").unlink(missing_ok=True)
        fresh.replace(self._path)
        taken = f"; {count} rows of it were taken over" if self._dear else ""
        log.error("%s is damaged (%s); moved to %s%s", self._path, error, aside, taken)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _migrate(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(self._connect(path)) as connection:
            done = connection.execute("PRAGMA user_version").fetchone()[0]
            if done:
                self._look_through(connection)
            if done > len(self._schema):
                log.warning("%s was written by a newer server", path)
            for number, step in enumerate(self._schema[done:], start=done + 1):
                connection.executescript(f"BEGIN; {step}; PRAGMA user_version={number}; COMMIT;")

    def _look_through(self, connection: sqlite3.Connection) -> None:
        for table in self._dear:
            (found,) = connection.execute(f"PRAGMA quick_check('{table}')").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in (*self._pragmas, "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _mine(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection and self._local.generation != self._generation:
            self._connections.remove(connection)
            connection.close()
            connection = None
        if connection is None:
            self._local.generation = self._generation
            connection = self._local.connection = self._connect(self._path)
            self._connections.append(connection)
        return connection

    def _look(self, work: Work[T]) -> T:
        return work(self._mine())
