"""One supervised process. It owns no task: the event loop calls it when a pipe is ready or the
process is dead."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence

from xo_cowork_core.services.processes.exit_watch import watch_exit
from xo_cowork_core.services.processes.pipes import Input, Lines, Tail
from xo_cowork_core.services.processes.selectors import BranchSelector, TreesSelector, join
from xo_cowork_core.services.processes.stop_batcher import StopBatcher
from xo_cowork_core.services.processes.tags import ProcessTag
from xo_cowork_core.services.processes.tracker import TrackedTree
from xo_cowork_core.services.processes.tree_client import (
    KILL_SECONDS,
    LOOK_SECONDS,
    ProcessTreeClient,
)

ORPHAN_SECONDS = 0.5  # what its children get to end by themselves once it is gone itself


class SupervisedProcess:
    """A child with its pipes and its household; what `sdk.Process` promises."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        *,
        mark: ProcessTag,
        plugin: str,
        owner: str,
        hunt: ProcessTreeClient,
        endings: "StopBatcher[SupervisedProcess]",
        on_exit: Callable[[], None],
    ) -> None:
        assert child.stdin and child.stdout and child.stderr
        self.plugin = plugin
        self.owner = owner
        self.household = TrackedTree(hunt.tree.identify(child.pid), mark.limit)
        self.cleared = False  # it is dead and nothing that it started is alive
        self._child = child
        self._mark = mark
        self._hunt = hunt
        self._endings = endings
        self._on_exit = on_exit
        self._exited = asyncio.Event()
        self._input = Input(child.stdin)
        self._lines = Lines(child.stdout)
        self._errors = Tail(child.stderr)
        watch_exit(child, self._ended)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        return self._child.returncode if self._exited.is_set() else None

    @property
    def stderr_tail(self) -> str:
        return self._errors.text

    @property
    def tree(self) -> TreesSelector:
        """What to look for to find all that it started."""
        return TreesSelector(
            roots=frozenset({self.household.root}),
            seen=frozenset(self.household.seen),
            limits=frozenset({self._mark.limit}),
            tags=frozenset({self._mark.tag}),
        )

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        await self._input.write(data, timeout)

    async def close_stdin(self) -> None:
        self._input.close()

    def batches(self) -> AsyncIterator[list[bytes]]:
        return self._lines

    async def wait(self, timeout: float) -> int | None:
        try:
            async with asyncio.timeout(timeout):
                await self._exited.wait()
        except TimeoutError:
            return None
        return self.returncode

    async def descendants(self) -> frozenset[int]:
        if self.cleared:
            return frozenset()
        return frozenset(who.pid for who in await self._hunt.find(self.tree))

    async def kill_descendants(self, *, spare: frozenset[int] = frozenset()) -> None:
        if not self.cleared:
            await self._hunt.end(self.tree, spare)

    async def terminate_tagged(self, name: str, value: str, *, kill_after: float = 1.0) -> bool:
        if self.cleared:
            return True
        await self._hunt.end_gently(BranchSelector(self.tree, name, value), kill_after)
        return not await self._hunt.orphans(BranchSelector(self.tree, name, ""))

    async def stop(self, *, term_after: float = 0.0, kill_after: float = 3.0) -> None:
        if self.cleared:
            return
        self._input.close()
        if term_after > 0:
            await self.wait(term_after)
        await self._endings.end(self, kill_after)

    def close(self) -> None:
        """Close its stdin, which asks many a program to end."""
        self._input.close()

    def tell(self, number: signal.Signals) -> None:
        """Signal the process alone. Harmless when it is gone."""
        if self.returncode is None:
            self._child.send_signal(number)

    def _ended(self) -> None:
        self._errors.finish()
        self._lines.finish()
        self._input.close()
        self._exited.set()
        self._on_exit()


async def end_processes(
    processes: Sequence[SupervisedProcess], hunt: ProcessTreeClient, *, grace: float
) -> None:
    """End processes with all that they started: asked first, for `grace` seconds, then killed.
    Many at once cost as much as one."""
    if grace > 0 and await _anything_left(processes, hunt):
        await _ask(processes, hunt, grace)
    for process in processes:
        process.tell(signal.SIGKILL)
    await _all_exited(processes, KILL_SECONDS)
    await hunt.end(join(process.tree for process in processes))
    for process in processes:
        process.cleared = process.returncode is not None


async def _ask(
    processes: Sequence[SupervisedProcess], hunt: ProcessTreeClient, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    for process in processes:
        process.close()
        process.tell(signal.SIGTERM)
    await hunt.signal(join(process.tree for process in processes), signal.SIGTERM)
    await _all_exited(processes, seconds)
    deadline = min(deadline, loop.time() + ORPHAN_SECONDS)
    # Nothing tells of a grandchild's end, so this looks.
    while await _anything_left(processes, hunt) and loop.time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)


async def _anything_left(processes: Sequence[SupervisedProcess], hunt: ProcessTreeClient) -> bool:
    if any(process.returncode is None for process in processes):
        return True
    return bool(await hunt.find(join(process.tree for process in processes)))


async def _all_exited(processes: Sequence[SupervisedProcess], seconds: float) -> None:
    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(process.wait(seconds), name=f"exit of {process.pid}")
