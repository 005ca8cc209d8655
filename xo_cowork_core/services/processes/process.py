"""One supervised process, and how several are stopped together.

It owns no task: the event loop calls it when a pipe is ready or when the process is dead.
"""

import asyncio
import logging
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence

from xo_cowork_core.services.processes.exit_watch import watch_exit
from xo_cowork_core.services.processes.pipes import Lines, Tail
from xo_cowork_core.services.processes.selectors import BranchSelector, TreeSelector, merge_trees
from xo_cowork_core.services.processes.stop_batcher import StopBatcher
from xo_cowork_core.services.processes.streams import ProcessStreams
from xo_cowork_core.services.processes.tags import ProcessTag
from xo_cowork_core.services.processes.tracker import TrackedTree
from xo_cowork_core.services.processes.tree_client import (
    KILL_SECONDS,
    POLL_SECONDS,
    ProcessTreeClient,
)

# time for the descendants to end by themselves after their root has ended
ORPHAN_SECONDS = 0.5
LOGGED_CHARACTERS = 2000


class SupervisedProcess:
    """A child with its pipes and its tracked tree. Implements `sdk.Process`.

    `is_stopping` is True once the host asks it to end, `is_killed` once the host kills it at once:
    it may have failed before. `is_finished` is True once the child is dead and none of its
    descendants is alive.
    """

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        streams: ProcessStreams,
        *,
        tag: ProcessTag,
        plugin: str,
        owner: str,
        process_trees: ProcessTreeClient,
        stop_batcher: "StopBatcher[SupervisedProcess]",
        on_exit: "Callable[[SupervisedProcess], None]",
    ) -> None:
        self.plugin = plugin
        self.owner = owner
        self.tree = TrackedTree(process_trees.tree.identify(child.pid), tag.limit)
        self.is_finished = False
        self.is_stopping = self.is_killed = False
        self._child = child
        self._tag = tag
        self._process_trees = process_trees
        self._stop_batcher = stop_batcher
        self._on_exit = on_exit
        self._exited = asyncio.Event()
        self._streams = streams
        watch_exit(child, self._handle_exit)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        return self._child.returncode if self._exited.is_set() else None

    @property
    def stderr_tail(self) -> str:
        return self._streams.errors.text if self._streams.errors else ""

    @property
    def is_captured(self) -> bool:
        """Whether the last output is kept in the place of lines."""
        return isinstance(self._streams.output, Tail)

    @property
    def output_tail(self) -> str:
        """The last 256 KiB of stdout, where the output is captured; else empty."""
        output = self._streams.output
        return output.text if isinstance(output, Tail) else ""

    @property
    def selector(self) -> TreeSelector:
        """The selector of all its descendants."""
        return TreeSelector(
            roots=frozenset({self.tree.root}),
            known=frozenset(self.tree.members),
            limits=frozenset({self._tag.limit}),
            tag_values=frozenset({self._tag.value}),
        )

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        await self._streams.input.write(data, timeout)

    async def close_stdin(self) -> None:
        self._streams.input.close()

    def batches(self) -> AsyncIterator[list[bytes]]:
        output = self._streams.output
        assert isinstance(output, Lines), "the output of this process is captured"
        return output

    async def wait(self, timeout: float) -> int | None:
        try:
            async with asyncio.timeout(timeout):
                await self._exited.wait()
        except TimeoutError:
            return None
        return self.returncode

    async def descendants(self) -> frozenset[int]:
        if self.is_finished:
            return frozenset()
        members = await self._process_trees.find(self.selector)
        return frozenset(member.pid for member in members)

    async def kill_descendants(self, *, spare: frozenset[int] = frozenset()) -> None:
        if not self.is_finished:
            await self._process_trees.kill(self.selector, spare)

    async def terminate_tagged(self, name: str, value: str, *, kill_after: float = 1.0) -> bool:
        if self.is_finished:
            return True
        await self._process_trees.terminate(BranchSelector(self.selector, name, value), kill_after)
        untagged = BranchSelector(self.selector, name, "")
        return not await self._process_trees.find_orphans(untagged)

    async def stop(self, *, term_after: float = 0.0, kill_after: float = 3.0) -> None:
        if self.is_finished:
            return
        self.is_stopping = True
        self._streams.input.close()
        if term_after > 0:
            await self.wait(term_after)
        await self._stop_batcher.stop(self, kill_after)

    def close(self) -> None:
        """Close its stdin; many programs then end."""
        self._streams.input.close()

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the process alone. Does nothing when it has exited."""
        if self.returncode is None:
            self._child.send_signal(number)

    def _handle_exit(self) -> None:
        self._streams.finish()
        self._exited.set()
        self._on_exit(self)


def log_failure(process: SupervisedProcess) -> str:
    """Log the end of stderr of a process that failed by itself, and return it."""
    returncode = process.returncode or 0
    if process.is_stopping or not returncode or (process.is_killed and returncode < 0):
        return ""
    logger = logging.getLogger(f"xo_cowork.{process.plugin}")
    if process.is_captured:
        # a sign-in program may print what it signs in with
        logger.warning("process %s ended with %s", process.pid, returncode)
        return ""
    tail = process.stderr_tail.strip()
    logger.warning("process %s ended with %s: %s", process.pid, returncode, _last_words(tail))
    return tail


def _last_words(text: str) -> str:
    """Return the end of a text, whole words only: half a secret could not be redacted."""
    if len(text) <= LOGGED_CHARACTERS:
        return text
    words = text[-LOGGED_CHARACTERS:].split(maxsplit=1)
    return words[1] if len(words) > 1 else ""


async def stop_processes(
    processes: Sequence[SupervisedProcess], process_trees: ProcessTreeClient, *, grace: float
) -> None:
    """Stop processes with all their descendants: SIGTERM, after `grace` seconds SIGKILL.

    Stopping many at once costs as much as stopping one.
    """
    for process in processes:
        process.is_stopping |= grace > 0
        process.is_killed = True
    if grace > 0 and await _is_any_alive(processes, process_trees):
        await _terminate(processes, process_trees, grace)
    for process in processes:
        process.send_signal(signal.SIGKILL)
    await _wait_for_exits(processes, KILL_SECONDS)
    await process_trees.kill(merge_trees(process.selector for process in processes))
    for process in processes:
        process.is_finished = process.returncode is not None


async def _terminate(
    processes: Sequence[SupervisedProcess], process_trees: ProcessTreeClient, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    for process in processes:
        process.close()
        process.send_signal(signal.SIGTERM)
    descendants = merge_trees(process.selector for process in processes)
    await process_trees.signal(descendants, signal.SIGTERM)
    await _wait_for_exits(processes, seconds)
    deadline = min(deadline, loop.time() + ORPHAN_SECONDS)
    # no notification exists for the exit of a grandchild: poll
    while (  # noqa: ASYNC110
        await _is_any_alive(processes, process_trees) and loop.time() < deadline
    ):
        await asyncio.sleep(POLL_SECONDS)


async def _is_any_alive(
    processes: Sequence[SupervisedProcess], process_trees: ProcessTreeClient
) -> bool:
    if any(process.returncode is None for process in processes):
        return True
    return bool(await process_trees.find(merge_trees(process.selector for process in processes)))


async def _wait_for_exits(processes: Sequence[SupervisedProcess], seconds: float) -> None:
    async with asyncio.TaskGroup() as group:
        for process in processes:
            group.create_task(process.wait(seconds), name=f"exit of {process.pid}")
