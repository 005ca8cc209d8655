"""The door from the event loop to a process tree: looks and kills run in threads of its own, so
that they wait for nobody else's blocking work."""

import asyncio
import logging
import signal
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol

from xo_cowork_core.services.processes.census import Census, Household
from xo_cowork_core.services.processes.grouptree import GroupTree
from xo_cowork_core.services.processes.proctree import ProcTree
from xo_cowork_core.services.processes.search import Identity, Search

KILL_SECONDS = 3.0
THREADS = 2
log = logging.getLogger("xo_cowork.processes")


class Tree(Protocol):
    """One way to see and end process trees; blocks."""

    def adopt_orphans(self) -> None: ...
    def marking(self, limit: int) -> AbstractContextManager[None]: ...
    def identify(self, pid: int) -> Identity: ...
    def find(self, search: Search) -> list[Identity]: ...
    def orphans(self, search: Search) -> list[Identity]: ...
    def signal(self, search: Search, number: signal.Signals) -> None: ...
    def end(self, search: Search, spare: frozenset[int], seconds: float) -> list[Identity]: ...


class Hunt:
    """Finds and ends what a search describes."""

    def __init__(self) -> None:
        self.tree: Tree = ProcTree() if sys.platform == "linux" else GroupTree()
        self._census: Census | None = None
        if sys.platform == "linux":
            self._census = Census()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="xo-processes")

    def take_census(self, households: Collection[Household]) -> None:
        """Note who was born and who died; well below a millisecond."""
        if self._census is not None:
            self._census.take(households)

    async def find(self, search: Search) -> list[Identity]:
        """List what is alive of it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.tree.find, search)

    async def orphans(self, search: Search) -> list[Identity]:
        """List what is alive of it though its parent is gone."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.tree.orphans, search)

    async def signal(self, search: Search, number: signal.Signals) -> None:
        """Send it a signal."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self.tree.signal, search, number)

    async def end(self, search: Search, spare: frozenset[int] = frozenset()) -> None:
        """Kill it, within `KILL_SECONDS`. What even SIGKILL can't end is logged."""
        loop = asyncio.get_running_loop()
        left = await loop.run_in_executor(self._threads, self.tree.end, search, spare, KILL_SECONDS)
        if left:
            log.error("could not kill the processes %s", [who.pid for who in left])

    def close(self) -> None:
        self._threads.shutdown(wait=False)
