"""Stops processes in batches: finding the descendants of many costs as much as of one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

BATCH_SECONDS = 0.01


class Stoppable(Protocol):
    """A process that can be stopped."""

    @property
    def is_finished(self) -> bool:
        """The process and all its descendants are dead."""
        ...


S = TypeVar("S", bound=Stoppable)


class StopBatcher(Generic[S]):
    """Collects the processes that are stopped with the same grace within `BATCH_SECONDS`.

    It owns no task: the first caller of a batch stops all of it. If that caller is cancelled, the
    others stop their own process.
    """

    def __init__(self, stop: Callable[[Sequence[S], float], Awaitable[None]]) -> None:
        self._stop = stop
        self._batches: dict[float, tuple[list[S], asyncio.Event]] = {}

    async def stop(self, process: S, grace: float) -> None:
        """Stop a process, together with others; `grace` is in seconds."""
        batch = self._batches.get(grace)
        if batch:
            batch[0].append(process)
            await batch[1].wait()
        else:
            await self._stop_batch(process, grace)
        if not process.is_finished:
            await self._stop([process], grace)

    async def _stop_batch(self, process: S, grace: float) -> None:
        batch: list[S] = [process]
        stopped = asyncio.Event()
        self._batches[grace] = (batch, stopped)
        try:
            await asyncio.sleep(BATCH_SECONDS)
            del self._batches[grace]
            await self._stop(batch, grace)
        finally:
            if self._batches.get(grace, (None,))[0] is batch:
                del self._batches[grace]
            stopped.set()
