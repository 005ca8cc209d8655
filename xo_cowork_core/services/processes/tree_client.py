"""Async interface to the process tree; blocking calls run in its own threads."""

import asyncio
import logging
import signal
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Protocol

from xo_cowork_core.services.processes.group_tree import ProcessGroupTree
from xo_cowork_core.services.processes.process_tree import LinuxProcessTree
from xo_cowork_core.services.processes.selectors import (
    BranchSelector,
    ProcessIdentity,
    ProcessSelector,
    StraySelector,
)
from xo_cowork_core.services.processes.tracker import ProcessTracker, TrackedTree

KILL_SECONDS = 3.0
POLL_SECONDS = 0.05
THREADS = 2
log = logging.getLogger("xo_cowork.processes")


class ProcessTree(Protocol):
    """Finds and signals the processes of a selector. Every method blocks."""

    def become_subreaper(self) -> None: ...
    def inherited_limit(self, limit: int) -> AbstractContextManager[None]: ...
    def identify(self, pid: int) -> ProcessIdentity: ...
    def tick_at(self, moment: float) -> int: ...
    def find(self, selector: ProcessSelector) -> list[ProcessIdentity]: ...
    def find_orphans(self, selector: ProcessSelector) -> list[ProcessIdentity]: ...
    def signal(self, selector: ProcessSelector, number: signal.Signals) -> None: ...
    def kill(
        self, selector: ProcessSelector, spare: frozenset[int], seconds: float
    ) -> list[ProcessIdentity]: ...


class ProcessTreeClient:
    """Finds and ends the processes of a selector. It owns its threads; `close` ends them."""

    def __init__(self) -> None:
        linux = sys.platform == "linux"
        self.tree: ProcessTree = LinuxProcessTree() if linux else ProcessGroupTree()
        self._tracker = ProcessTracker() if linux else None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="xo-processes")

    def update_trees(self, trees: Collection[TrackedTree]) -> None:
        """Record which descendants started and which ended. Takes well below a millisecond."""
        if self._tracker is not None:
            self._tracker.update(trees)

    async def find(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        """Return the living processes of a selector, its roots left out."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.tree.find, selector)

    async def find_orphans(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        """Return the living processes of a selector whose parent is dead."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.tree.find_orphans, selector)

    async def signal(self, selector: ProcessSelector, number: signal.Signals) -> None:
        """Send a signal to the processes of a selector."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self.tree.signal, selector, number)

    async def kill(self, selector: ProcessSelector, spare: frozenset[int] = frozenset()) -> None:
        """Send SIGKILL to the processes of a selector for at most `KILL_SECONDS`.

        `spare` are pids to leave alive. What survives is logged.
        """
        loop = asyncio.get_running_loop()
        alive = await loop.run_in_executor(
            self._threads, self.tree.kill, selector, spare, KILL_SECONDS
        )
        if alive:
            log.error("could not kill the processes %s", [process.pid for process in alive])

    async def terminate(self, selector: BranchSelector | StraySelector, grace: float) -> None:
        """Send SIGTERM, and after `grace` seconds SIGKILL to those that are left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        # a member that empties its environment is found through its parent while that lives
        members = selector._replace(known=frozenset(await self.find(selector)))
        if members.known and grace > 0:
            await self.signal(members, signal.SIGTERM)
            while await self.find(members) and loop.time() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
        await self.kill(members)

    def close(self) -> None:
        self._threads.shutdown(wait=False)
