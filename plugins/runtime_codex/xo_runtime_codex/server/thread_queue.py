"""Queue of one thread's records, between the server's reader and the turn."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from xo_cowork_core.sdk import AgentFailure

Record: TypeAlias = Mapping[str, Any]
MAX_BATCHES = 256
FULL_SECONDS = 30.0


class ThreadQueue:
    """A bounded queue of record batches.

    A full queue blocks the server's reader, for `FULL_SECONDS` at most; then it ends with a
    failure. `failure` is set when the queue ended with one.
    """

    def __init__(self) -> None:
        self.failure: AgentFailure | None = None
        self._batches: deque[Sequence[Record]] = deque()
        self._ended = False
        self._not_empty = asyncio.Event()
        self._not_full = asyncio.Event()

    async def put(self, batch: Sequence[Record]) -> None:
        """Add a batch; wait while the queue is full."""
        if self._ended:
            return
        self._batches.append(batch)
        self._not_empty.set()
        if len(self._batches) < MAX_BATCHES:
            return
        self._not_full.clear()
        try:
            async with asyncio.timeout(FULL_SECONDS):
                await self._not_full.wait()
        except TimeoutError:
            self.end(AgentFailure("The turn did not read Codex's events in time", code="internal"))

    async def get(self) -> Sequence[Record] | None:
        """Remove and return the oldest batch; None after the end of the queue."""
        while not self._batches:
            if self._ended:
                return None
            self._not_empty.clear()
            await self._not_empty.wait()
        batch = self._batches.popleft()
        self._not_full.set()
        return batch

    def end(self, failure: AgentFailure | None = None) -> None:
        """End the queue; later batches are dropped."""
        if not self._ended:
            self.failure = failure
        self._ended = True
        self._not_empty.set()
        self._not_full.set()
