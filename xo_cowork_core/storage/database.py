"""One SQLite file in WAL mode: one writer thread, a few reader threads, never the event loop.

A commit is durable against the death of this process (`synchronous=NORMAL`: the write-ahead log
is written at commit and flushed to disk at checkpoints). A damaged file is renamed, with the time
in its name, and replaced by a new one. `durable_tables` are checked at each opening, and their
readable rows are copied into the new file.
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
from xo_cowork_core.storage.database_writer import DatabaseWriter

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
READERS = 2
VACUUM_PAGES = 1024
BUSY_SECONDS = 5.0
log = logging.getLogger("xo_cowork.db")


class Database:
    """A file and the threads that use it. Each step of `schema` is applied once, `pragmas` to each
    connection. `durable_tables` names the tables whose rows nothing else can restore."""

    def __init__(
        self,
        path: Path,
        schema: Sequence[str],
        pragmas: Sequence[str] = (),
        *,
        durable_tables: Sequence[str] = (),
    ) -> None:
        self._path = path
        self._schema = schema
        self._pragmas = pragmas
        self._durable_tables = durable_tables
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._generation = 0
        self._inode = 0
        self._writer = DatabaseWriter(self._thread_connection)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")

    def open(self) -> None:
        """Create or migrate the file. Blocks; call it before the server listens."""
        try:
            self._migrate(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._replace_file(error)
        self._inode = self._path.stat().st_ino

    def is_lost(self) -> bool:
        """Whether the file was removed or replaced under the open connections. Blocks."""
        try:
            return self._path.stat().st_ino != self._inode
        except OSError:
            return True

    async def reopen(self) -> None:
        """Open the file at the path, or a new one; open connections are replaced."""

        def renew() -> None:
            self.open()
            self._generation += 1

        await self._writer.run(renew)

    async def replace(self, error: sqlite3.DatabaseError) -> None:
        """Replace the file after an `error` that says that it is damaged."""

        def renew() -> None:
            self._replace_file(error)
            self._inode = self._path.stat().st_ino
            # last: a reader that reconnects must not open the damaged file
            self._generation += 1

        await self._writer.run(renew)

    async def compact(self, min_log_bytes: int) -> None:
        """Return free pages to the file system and truncate the write-ahead log.

        Does nothing while the log is smaller than `min_log_bytes`. Other writes run between the
        steps; what a reader still uses stays.
        """

        def vacuum() -> bool:
            connection = self._thread_connection()
            before = _free_pages(connection)
            # a script: `execute` would end the statement after its first page
            connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
            return 0 < _free_pages(connection) < before

        def checkpoint() -> None:
            self._thread_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

        if await asyncio.to_thread(self._log_bytes) < min_log_bytes:
            return
        while await self._writer.run(vacuum):
            pass
        await self._writer.run(checkpoint)

    @property
    def state(self) -> tuple[int, int]:
        """The numbers of openings and commits. They grow before the caller of a write continues."""
        return self._generation, self._writer.commits

    async def write(self, work: Work[T]) -> T:
        """Run `work` on the writer thread and commit it; roll it back when it raises."""
        return await self._writer.write(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader thread. It sees every write that was awaited before."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finish what was queued and close every connection."""
        await asyncio.to_thread(self._close)

    def _log_bytes(self) -> int:
        try:
            return self._sibling("-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _replace_file(self, error: sqlite3.DatabaseError) -> None:
        fresh = self._sibling(".new")
        for suffix in ("", "-wal", "-shm"):
            self._sibling(f".new{suffix}").unlink(missing_ok=True)
        self._migrate(fresh)
        count = 0
        if self._durable_tables:
            with closing(self._connect(fresh)) as connection:
                count = salvage(self._path, connection)
        aside = self._sibling(f".broken-{int(time.time())}")
        self._path.replace(aside)
        with suppress(FileNotFoundError):
            self._sibling("-wal").replace(aside.with_name(f"{aside.name}-wal"))
        self._sibling("-shm").unlink(missing_ok=True)
        fresh.replace(self._path)
        copied = f"; {count} of its rows were copied" if self._durable_tables else ""
        log.error("%s is damaged (%s); moved to %s%s", self._path, error, aside, copied)

    def _sibling(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _migrate(self, path: Path) -> None:
        with closing(self._connect(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version:
                self._check_durable_tables(connection)
            if version > len(self._schema):
                raise sqlite3.OperationalError(
                    f"{path.name} was written by a newer server (version {version}, this one "
                    f"knows {len(self._schema)}); it is kept as it is"
                )
            for number, step in enumerate(self._schema[version:], start=version + 1):
                connection.executescript(f"BEGIN; {step}; PRAGMA user_version={number}; COMMIT;")

    def _check_durable_tables(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        present = {name for (name,) in rows}
        # those of later steps are not there yet
        for table in filter(present.__contains__, self._durable_tables):
            (result,) = connection.execute(f"PRAGMA quick_check('{table}')").fetchone()
            if result != "ok":
                raise sqlite3.DatabaseError(" ".join(result.split()))

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
            # only an empty file takes it; any other is written and flushed without a change
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        for pragma in (*self._pragmas, "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _thread_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection and self._local.generation != self._generation:
            self._connections.remove(connection)
            connection.close()
            # the next connection may fail, and be tried again
            connection = self._local.connection = None
        if connection is None:
            self._local.generation = self._generation
            connection = self._local.connection = self._connect(self._path)
            self._connections.append(connection)
        return connection

    def _read(self, work: Work[T]) -> T:
        return work(self._thread_connection())


def _free_pages(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA freelist_count").fetchone()[0]
