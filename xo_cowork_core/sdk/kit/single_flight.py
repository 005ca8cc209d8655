"""Blocking looks at a disk, shared by those who ask at the same time."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Calls `look` in a thread, never twice at once for a key.

    Who asks gets a look that began after the question, so it is as fresh as one of their own. A
    thread waits for its turn behind a busy event loop at each system call: fifty callers at once
    cost two looks, not fifty. Owns a task for each look, which ends with it.
    """

    def __init__(self, look: Callable[[K], T]) -> None:
        self._look = look
        self._waiting: dict[K, asyncio.Task[T]] = {}
        self._running: dict[K, asyncio.Task[T]] = {}

    async def of(self, key: K) -> T:
        """Return what `look(key)` returns. Raises what it raises."""
        task = self._waiting.get(key)
        if task is None:
            task = asyncio.create_task(self._take(key), name=f"look at {key}")
            self._waiting[key] = task
        # one caller that is cancelled must not take the others' look away
        return await asyncio.shield(task)

    async def _take(self, key: K) -> T:
        while before := self._running.get(key):
            await asyncio.wait({before})
        mine = self._running[key] = self._waiting.pop(key)
        # whoever asked may be gone by the time that it fails
        mine.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.to_thread(self._look, key)
        finally:
            del self._running[key]
