"""What the server said about one thread, waiting for the turn that reads it."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from xo_cowork_core.sdk import AgentFailure

Record: TypeAlias = Mapping[str, Any]
LIMIT = 256
PATIENCE_SECONDS = 30.0


class ThreadQueue:
    """A bounded queue of batches. A full one holds the server's reader back, for a while."""

    def __init__(self) -> None:
        self.failure: AgentFailure | None = None
        self._batches: deque[Sequence[Record]] = deque()
        self._ended = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, batch: Sequence[Record]) -> None:
        """Add a batch; waits for room."""
        if self._ended:
            return
        self._batches.append(batch)
        self._news.set()
        if len(self._batches) < LIMIT:
            return
        self._room.clear()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._room.wait()
        except TimeoutError:
            self.end(AgentFailure("The turn could not keep up with Codex", code="internal"))

    async def get(self) -> Sequence[Record] | None:
        """Take the oldest batch; None once there is no more, with `failure` set if one is known."""
        while not self._batches:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        batch = self._batches.popleft()
        self._room.set()
        return batch

    def end(self, failure: AgentFailure | None = None) -> None:
        """Take nothing more."""
        if not self._ended:
            self.failure = failure
        self._ended = True
        self._news.set()
        self._room.set()
