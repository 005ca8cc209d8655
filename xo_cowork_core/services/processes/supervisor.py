"""Supervises every process of one app, and ends it with all its descendants.

Owns one task, created by `start` and ended by `stop`; it sleeps while no process runs.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, Process, Processes, Unavailable
from xo_cowork_core.services.processes.launch import (
    Command,
    StartedProgram,
    start_captured,
    start_in_terminal,
    start_piped,
)
from xo_cowork_core.services.processes.ledger import Ledger
from xo_cowork_core.services.processes.process import SupervisedProcess, log_failure, stop_processes
from xo_cowork_core.services.processes.selectors import (
    LeftoverSelector,
    StraySelector,
    merge_trees,
)
from xo_cowork_core.services.processes.server_watcher import ServerWatcher
from xo_cowork_core.services.processes.stop_batcher import StopBatcher
from xo_cowork_core.services.processes.tags import ProcessTag, ProcessTags
from xo_cowork_core.services.processes.tree_client import ProcessTreeClient

FIRST_POLL_SECONDS = 0.1
POLL_SECONDS = 2.0
GRACE_SECONDS = 1.0
log = logging.getLogger("xo_cowork.processes")


class ProcessSupervisor:
    """All processes of one app on one state folder."""

    def __init__(self, state_dir: Path, *, server_id: str = "") -> None:
        self._tags = ProcessTags(state_dir, server_id or uuid.uuid4().hex)
        self._ledger = Ledger(state_dir, self._tags.server_id)
        self._watcher = ServerWatcher(state_dir, self._tags)
        self._process_trees = ProcessTreeClient()
        self._stop_batcher = StopBatcher[SupervisedProcess](self._stop_batch)
        self._processes: list[SupervisedProcess] = []
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ledger_is_failing = False
        # the end of stderr of failed processes, by the turn that owns them
        self._failures: dict[str, str] = {}
        # `plugin <name>` and `owner <id>` of what is being stopped
        self._stopping: set[str] = set()

    async def start(self) -> None:
        """Kill what earlier servers on this state folder left running, then accept processes."""
        self._process_trees.tree.become_subreaper()
        recorded = await asyncio.to_thread(self._ledger.read_previous)
        leftovers = LeftoverSelector(self._tags.state, self._tags.server_id, recorded)
        await self._process_trees.kill(leftovers)
        await asyncio.to_thread(self._ledger.delete_previous)
        self._task = asyncio.create_task(self._monitor(), name="processes")

    async def stop(self) -> None:
        """Stop every process within 5 s, and refuse new ones."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self._stop(list(self._processes), grace=GRACE_SECONDS)
        self._ledger.delete()
        self._process_trees.close()
        await asyncio.to_thread(self._watcher.stop)

    async def stop_owner(self, owner: str) -> str:
        """Kill the processes of a turn at once, and return the end of stderr of the last one that
        failed by itself, else "". All of them are dead on return."""
        if owner:
            await self._stop_label(f"owner {owner}", grace=0.0)
        return self._failures.pop(owner, "")

    async def stop_plugin(self, name: str) -> None:
        """Stop the processes of a plugin."""
        await self._stop_label(f"plugin {name}", grace=GRACE_SECONDS)

    def for_plugin(self, name: str) -> Processes:
        """Return the interface by which one plugin starts processes."""
        return PluginProcesses(self, self._process_trees, name)

    def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str,
        plugin: str,
    ) -> Process:
        """Start a process for a plugin. Blocks for about a millisecond, the time of a fork.

        There is no await between the fork and the registration, so a cancellation can't lose the
        process. Raises Unavailable, BadRequest or AgentFailure.
        """
        command = Command(argv, cwd, environment)
        return self._spawn(partial(start_piped, command), owner=owner, plugin=plugin)

    def spawn_captured(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str,
        plugin: str,
        terminal: bool,
        on_output: Callable[[], None],
    ) -> SupervisedProcess:
        """Start a process whose last output is kept, as `spawn` does.

        `on_output` is called when there is more of it. In a `terminal` the program sees its
        standard streams as one terminal of its own, and stderr is part of the output.
        """
        command = Command(argv, cwd, environment)
        start = start_in_terminal if terminal else start_captured
        return self._spawn(partial(start, command, on_output), owner=owner, plugin=plugin)

    def _spawn(
        self,
        start: Callable[[ProcessTag], StartedProgram],
        *,
        owner: str,
        plugin: str,
    ) -> SupervisedProcess:
        if self._task is None or self._stopping & {f"plugin {plugin}", f"owner {owner}"}:
            raise Unavailable("The server is stopping this agent; nothing new is started.")
        tag = self._tags.create()
        with self._process_trees.tree.inherited_limit(tag.limit):
            child, streams = start(tag)
        try:
            process = SupervisedProcess(
                child,
                streams,
                tag=tag,
                plugin=plugin,
                owner=owner,
                process_trees=self._process_trees,
                stop_batcher=self._stop_batcher,
                on_exit=self._handle_exit,
            )
        except OSError:  # no file descriptor left to watch it
            child.kill()
            child.wait()
            raise AgentFailure("Too many files are open.", code="internal") from None
        self._processes.append(process)
        # the task writes the ledger soon; until then only the tag identifies the process
        self._wakeup.set()
        return process

    def _handle_exit(self, process: SupervisedProcess) -> None:
        self._wakeup.set()
        if (tail := log_failure(process)) and process.owner:
            self._failures[process.owner] = tail

    async def _stop_label(self, label: str, *, grace: float) -> None:
        self._stopping.add(label)
        try:
            await self._stop([p for p in self._processes if label in _labels(p)], grace=grace)
        finally:
            self._stopping.discard(label)

    async def _stop(self, processes: list[SupervisedProcess], *, grace: float) -> None:
        if processes:
            await stop_processes(processes, self._process_trees, grace=grace)
            self._drop(processes)

    async def _stop_batch(self, processes: Sequence[SupervisedProcess], grace: float) -> None:
        await stop_processes(processes, self._process_trees, grace=grace)

    async def _monitor(self) -> None:
        """Track descendants while a process runs, often at first, then every `POLL_SECONDS`."""
        pause = FIRST_POLL_SECONDS
        while True:
            if not self._processes:
                await self._wakeup.wait()
            if self._wakeup.is_set():
                self._wakeup.clear()
                pause = FIRST_POLL_SECONDS
            self._watcher.ensure_running()
            await asyncio.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS)
            self._process_trees.update_trees([process.tree for process in self._processes])
            await self._drop_finished()
            self._write_ledger()

    async def _drop_finished(self) -> None:
        """Drop the processes that are dead with all their descendants."""
        self._drop([process for process in self._processes if process.is_finished])
        exited = [
            process
            for process in self._processes
            if process.returncode is not None and not process.tree.members
        ]
        if exited and await self._process_trees.find(
            merge_trees(process.selector for process in exited)
        ):
            for process in exited:
                process.tree.members.update(await self._process_trees.find(process.selector))
        self._drop([process for process in exited if not process.tree.members])

    def _drop(self, processes: Iterable[SupervisedProcess]) -> None:
        exited = [process for process in processes if process.returncode is not None]
        for process in exited:
            process.is_finished = True
        self._processes = [process for process in self._processes if process not in exited]

    def _write_ledger(self) -> None:
        roots = [p.tree.root for p in self._processes if p.returncode is None]
        members = [member for process in self._processes for member in process.tree.members]
        try:
            self._ledger.write(frozenset(roots + members))
        except OSError as error:  # a full disk: tracking goes on, the next update writes again
            if not self._ledger_is_failing:
                log.error("the list of processes could not be written: %s", error.strerror)
            self._ledger_is_failing = True
        else:
            self._ledger_is_failing = False


class PluginProcesses:
    """Implements `sdk.Processes` for one plugin."""

    def __init__(
        self, supervisor: ProcessSupervisor, process_trees: ProcessTreeClient, plugin: str
    ) -> None:
        self._supervisor = supervisor
        self._process_trees = process_trees
        self._plugin = plugin

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str = "",
    ) -> Process:
        return self._supervisor.spawn(
            argv, cwd=cwd, environment=environment, owner=owner, plugin=self._plugin
        )

    async def terminate_matching(
        self,
        entries: Mapping[str, str],
        *,
        since: float,
        until: float | None = None,
        folder: Path | None = None,
        kill_after: float = 1.0,
    ) -> None:
        if not entries or not all(entries.values()):
            raise ValueError("an empty entry would match every process")
        path = str(await asyncio.to_thread(folder.resolve)) if folder else ""
        tick_at = self._process_trees.tree.tick_at
        end = None if until is None else tick_at(until)
        strays = StraySelector(dict(entries), tick_at(since), end, path)
        await self._process_trees.terminate(strays, kill_after)


def _labels(process: SupervisedProcess) -> set[str]:
    return {f"plugin {process.plugin}", f"owner {process.owner}"}
