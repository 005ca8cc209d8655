"""Ends processes together that are to end at about the same moment: looking for what they
started costs as much for one as for many."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

GATHER_SECONDS = 0.01


class Ending(Protocol):
    """Something that is to end; `cleared` once it has, with all that it started."""

    @property
    def cleared(self) -> bool: ...


E = TypeVar("E", bound=Ending)


class StopBatcher(Generic[E]):
    """Gathers those with the same grace. It has no task: the first of a batch does the work for
    all, and if it is cancelled the others do their own."""

    def __init__(self, end: Callable[[Sequence[E], float], Awaitable[None]]) -> None:
        self._end = end
        self._batches: dict[float, tuple[list[E], asyncio.Event]] = {}

    async def end(self, process: E, grace: float) -> None:
        """End one process, with whoever else comes within `GATHER_SECONDS`."""
        batch = self._batches.get(grace)
        if batch:
            batch[0].append(process)
            await batch[1].wait()
        else:
            await self._lead(process, grace)
        if not process.cleared:
            await self._end([process], grace)

    async def _lead(self, process: E, grace: float) -> None:
        batch: list[E] = [process]
        over = asyncio.Event()
        self._batches[grace] = (batch, over)
        try:
            await asyncio.sleep(GATHER_SECONDS)
            del self._batches[grace]
            await self._end(batch, grace)
        finally:
            if self._batches.get(grace, (None,))[0] is batch:
                del self._batches[grace]
            over.set()
