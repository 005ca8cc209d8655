"""The door from the event loop to a process tree: looks and kills run in threads of its own, so
that they wait for nobody else's blocking work."""

import asyncio
import logging
import signal
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from xo_cowork_core.services.processes.group_tree import GroupTree
from xo_cowork_core.services.processes.process_tree import ProcTree
from xo_cowork_core.services.processes.selectors import (
    BranchSelector,
    Identity,
    Search,
    StraysSelector,
)
from xo_cowork_core.services.processes.tracker import ProcessTracker, TrackedTree

KILL_SECONDS = 3.0
LOOK_SECONDS = 0.05
THREADS = 2
log = logging.getLogger("xo_cowork.processes")


class Tree(Protocol):
    """One way to see and end process trees; blocks."""

    def adopt_orphans(self) -> None: ...
    def marking(self, limit: int) -> AbstractContextManager[None]: ...
    def identify(self, pid: int) -> Identity: ...
    def tick(self, moment: float) -> int: ...
    def find(self, search: Search) -> list[Identity]: ...
    def orphans(self, search: Search) -> list[Identity]: ...
    def signal(self, search: Search, number: signal.Signals) -> None: ...
    def end(self, search: Search, spare: frozenset[int], seconds: float) -> list[Identity]: ...


class ProcessTreeClient:
    """Finds and ends what a search describes."""

    def __init__(self) -> None:
        self.tree: Tree = ProcTree() if sys.platform == "linux" else GroupTree()
        self._census: ProcessTracker | None = None
        if sys.platform == "linux":
            self._census = ProcessTracker()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="xo-processes")

    def take_census(self, households: Collection[TrackedTree]) -> None:
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

    async def end_gently(self, search: BranchSelector | StraysSelector, grace: float) -> None:
        """Ask it to end, kill what is left after `grace` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        # a member that empties its environment is known by its parent, for as long as that lives
        members = replace(search, seen=frozenset(await self.find(search)))
        if members.seen and grace > 0:
            await self.signal(members, signal.SIGTERM)
            while await self.find(members) and loop.time() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        await self.end(members)

    def close(self) -> None:
        self._threads.shutdown(wait=False)
