"""The one thread that writes a database: what waits for it is committed together.

Each piece of work is undone alone when it raises. Its caller hears of it after the commit, and of
the commit's own failure. Belongs to one event loop.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
MOST_TOGETHER = 64


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[sqlite3.Connection], T]
    future: "asyncio.Future[T]"
    results: list[T] = field(default_factory=list[T])
    error: BaseException | None = None

    def tell(self) -> None:
        """Give the caller what came of it, on its event loop."""
        if self.future.done():
            return
        if self.error:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.results[0])


class Writer:
    """Runs work in transactions, in the order in which it comes."""

    def __init__(self, connection: Callable[[], sqlite3.Connection]) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        self._jobs: deque[_Job[Any]] = deque()
        self._lock = threading.Lock()
        self._draining = False
        self.commits = 0

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction and return its result once that is committed."""
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        with self._lock:
            self._jobs.append(job)
            idle, self._draining = not self._draining, True
        if idle:
            self._thread.submit(self._drain, loop)
        return await job.future

    async def between(self, work: Callable[[], T]) -> T:
        """Run `work` on the writing thread, outside any transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Finish what was queued. Blocks."""
        self._thread.shutdown(wait=True)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        while jobs := self._next():
            self._commit(jobs)
            self.commits += 1
            loop.call_soon_threadsafe(_tell, jobs)

    def _next(self) -> list[_Job[Any]]:
        with self._lock:
            jobs = [self._jobs.popleft() for _ in range(min(MOST_TOGETHER, len(self._jobs)))]
            self._draining = bool(jobs)
        return jobs

    def _commit(self, jobs: Sequence[_Job[Any]]) -> None:
        run = _run_apart if len(jobs) > 1 else _run
        try:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                for job in jobs:
                    run(job, connection)
                connection.execute("COMMIT")
            finally:
                # a failed COMMIT (full disk) may leave the transaction open or already undone
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            # nothing of them was kept
            for job in jobs:
                job.error = job.error or error


def _run(job: _Job[Any], connection: sqlite3.Connection) -> None:
    job.results.append(job.work(connection))


def _run_apart(job: _Job[Any], connection: sqlite3.Connection) -> None:
    # a lone job has no need of this: a savepoint keeps a copy of each page that it changes
    connection.execute("SAVEPOINT job")
    try:
        _run(job, connection)
    except BaseException as error:
        job.error = error
        # a full disk undoes the whole transaction, not the savepoint alone
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _tell(jobs: Sequence[_Job[Any]]) -> None:
    for job in jobs:
        job.tell()
