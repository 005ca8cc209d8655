"""The one thread that writes a database, with group commit of the jobs that wait.

A job that raises is rolled back alone. Its caller continues after the commit, or gets the error of
the job or of the commit. Belongs to one event loop.
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
MAX_JOBS = 64


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[sqlite3.Connection], T]
    future: "asyncio.Future[T]"
    results: list[T] = field(default_factory=list[T])
    error: BaseException | None = None

    def finish(self) -> None:
        """Pass result or error to the caller. Runs on the event loop."""
        if self.future.done():
            return
        if self.error:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.results[0])


class DatabaseWriter:
    """Runs work in transactions, in the order of the calls."""

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

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the writing thread, outside any transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Finish what was queued. Blocks."""
        self._thread.shutdown(wait=True)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        while jobs := self._next():
            self._commit(jobs)
            self.commits += 1
            loop.call_soon_threadsafe(_finish, jobs)

    def _next(self) -> list[_Job[Any]]:
        with self._lock:
            jobs = [self._jobs.popleft() for _ in range(min(MAX_JOBS, len(self._jobs)))]
            self._draining = bool(jobs)
        return jobs

    def _commit(self, jobs: Sequence[_Job[Any]]) -> None:
        run = _run_in_savepoint if len(jobs) > 1 else _run
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
        except BaseException as error:  # noqa: BLE001 - the callers get it
            # all of them were rolled back
            for job in jobs:
                job.error = job.error or error


def _run(job: _Job[Any], connection: sqlite3.Connection) -> None:
    job.results.append(job.work(connection))


def _run_in_savepoint(job: _Job[Any], connection: sqlite3.Connection) -> None:
    # only for several jobs: a savepoint keeps a copy of each page that it changes
    connection.execute("SAVEPOINT job")
    try:
        _run(job, connection)
    except BaseException as error:
        job.error = error
        # a full disk rolls back the whole transaction
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _finish(jobs: Sequence[_Job[Any]]) -> None:
    for job in jobs:
        job.finish()
