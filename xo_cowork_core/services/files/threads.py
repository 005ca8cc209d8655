"""The threads that touch files, apart from those of everything else."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 8


class WorkCancelledError(Exception):
    """The caller of this work was cancelled."""


class CancelToken:
    """Cancels long work on a thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Let the next `check` raise."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise WorkCancelledError if the work was cancelled."""
        if self._cancelled.is_set():
            raise WorkCancelledError


class DiskThreads:
    """A few threads, so that a slow disk delays file requests alone."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work.

        A cancelled caller still waits until running work ends, so that what the work uses is not
        closed under it.
        """
        future = self._pool.submit(work, *args, **kwargs)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.gather(waiting, return_exceptions=True)
            raise

    async def run_long(
        self, work: Callable[Concatenate[CancelToken, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that may take minutes; its token is cancelled together with its caller."""
        token = CancelToken()
        running = asyncio.ensure_future(self.run(work, token, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            token.cancel()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise

    async def close(self) -> None:
        """Wait for running work and end the threads."""
        await asyncio.to_thread(self._pool.shutdown)
