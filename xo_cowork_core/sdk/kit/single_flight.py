"""Blocking calls, shared by callers that arrive at the same time."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Runs a blocking function in a thread, never twice at once for a key.

    A caller gets the result of a call that began after its request, so the result is never older
    than the request. Requests during a call share the next one: fifty at once cost two calls.
    Owns a task for each call, which ends with it.
    """

    def __init__(self, function: Callable[[K], T]) -> None:
        self._function = function
        self._next: dict[K, asyncio.Task[T]] = {}
        self._running: dict[K, asyncio.Task[T]] = {}

    async def of(self, key: K) -> T:
        """Return what the function returns for `key`. Raises what it raises."""
        task = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._call(key), name=f"single flight {key}")
            self._next[key] = task
        # a caller that is cancelled must not cancel the call of the others
        return await asyncio.shield(task)

    async def _call(self, key: K) -> T:
        while running := self._running.get(key):
            await asyncio.wait({running})
        task = self._running[key] = self._next.pop(key)
        # every caller may be cancelled by the time that the call fails
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.to_thread(self._function, key)
        finally:
            del self._running[key]
