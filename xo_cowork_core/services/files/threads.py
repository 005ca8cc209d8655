"""The threads on which files are touched, apart from those of everything else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 8


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

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._pool.shutdown)
