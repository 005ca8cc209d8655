"""The threads on which files are touched, apart from those of everything else."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 8


class StoppedError(Exception):
    """Nobody waits for this work any more."""


class Stop:
    """Asks long work to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Let the next `check` raise."""
        self._asked.set()

    def check(self) -> None:
        """Go on, or raise StoppedError."""
        if self._asked.is_set():
            raise StoppedError


class DiskThreads:
    """A few threads; a slow disk holds up files alone."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work. A caller that is cancelled still waits until it is done, so that
        what the work holds is not taken from under it."""
        future = self._pool.submit(work, *args, **kwargs)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.gather(waiting, return_exceptions=True)
            raise

    async def run_long(
        self, work: Callable[Concatenate[Stop, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run work that may take minutes: when its caller is cancelled it is asked to end."""
        stop = Stop()
        running = asyncio.ensure_future(self.run(work, stop, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.ask()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._pool.shutdown)
