"""Supervises every process of one app: what it starts ends when it must, whatever it tries.

Owns one task, made by `start` and ended by `stop`; it sleeps while nothing runs.
"""

import asyncio
import logging
import os
import subprocess
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, BadRequest, Process, Processes, Unavailable
from xo_cowork_core.services.processes.environment import child_environment
from xo_cowork_core.services.processes.ledger import Ledger
from xo_cowork_core.services.processes.process import SupervisedProcess, end_processes
from xo_cowork_core.services.processes.selectors import LeftoversSelector, StraysSelector, join
from xo_cowork_core.services.processes.stop_batcher import StopBatcher
from xo_cowork_core.services.processes.tags import ProcessTag, ProcessTags
from xo_cowork_core.services.processes.tree_client import ProcessTreeClient

FIRST_LOOK_SECONDS = 0.1
LOOK_SECONDS = 2.0
GRACE_SECONDS = 1.0
log = logging.getLogger("xo_cowork.processes")


class ProcessSupervisor:
    """All processes of one app on one state folder."""

    def __init__(self, state_dir: Path, *, boot: str = "") -> None:
        self._marks = ProcessTags(state_dir, boot or uuid.uuid4().hex)
        self._ledger = Ledger(state_dir, self._marks.boot)
        self._hunt = ProcessTreeClient()
        self._endings = StopBatcher[SupervisedProcess](self._end_together)
        self._processes: list[SupervisedProcess] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unwritten = False
        self._refused: set[str] = set()  # plugins and owners that are being stopped

    async def start(self) -> None:
        """Kill what earlier servers on this state folder left behind, then be ready."""
        self._hunt.tree.adopt_orphans()
        earlier = await asyncio.to_thread(self._ledger.earlier)
        await self._hunt.end(LeftoversSelector(self._marks.state, self._marks.boot, earlier))
        await asyncio.to_thread(self._ledger.forget_earlier)
        self._task = asyncio.create_task(self._tend(), name="processes")

    async def stop(self) -> None:
        """End everything within 5 s, and start nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self._end(list(self._processes), grace=GRACE_SECONDS)
        self._ledger.remove()
        self._hunt.close()

    async def stop_owner(self, owner: str) -> None:
        """Kill what belongs to a turn, at once. All of it is dead on return."""
        if owner:
            await self._stop_all(f"owner {owner}", grace=0.0)

    async def stop_plugin(self, name: str) -> None:
        """End what a plugin started."""
        await self._stop_all(f"plugin {name}", grace=GRACE_SECONDS)

    def for_plugin(self, name: str) -> Processes:
        """Return what a plugin gets: the power to start processes in its own name."""
        return PluginProcesses(self, name)

    def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str,
        plugin: str,
    ) -> Process:
        """Start a process for a plugin. Blocks for the millisecond that a fork takes: between
        fork and here there is no await, so no process can be lost to a cancellation."""
        if self._task is None or self._refused & {f"plugin {plugin}", f"owner {owner}"}:
            raise Unavailable("The server is stopping this agent; nothing new is started.")
        mark = self._marks.make()
        with self._hunt.tree.marking(mark.limit):
            child = _start(argv, cwd, environment, mark)
        try:
            process = SupervisedProcess(
                child,
                mark=mark,
                plugin=plugin,
                owner=owner,
                hunt=self._hunt,
                endings=self._endings,
                on_exit=self._news.set,
            )
        except OSError:  # no file handle left to watch it with
            child.kill()
            child.wait()
            raise AgentFailure("Too many files are open.", code="internal") from None
        self._processes.append(process)
        # the task writes the ledger in a moment; until then the marks alone would find it
        self._news.set()
        return process

    async def terminate_matching(
        self, entries: Mapping[str, str], *, since: float, folder: Path | None, kill_after: float
    ) -> None:
        """End what somebody else's program left behind."""
        if not entries or not all(entries.values()):
            raise ValueError("such a search would find everybody's processes")
        place = str(await asyncio.to_thread(folder.resolve)) if folder else ""
        strays = StraysSelector(dict(entries), self._hunt.tree.tick(since), place)
        await self._hunt.end_gently(strays, kill_after)

    async def _stop_all(self, whose: str, *, grace: float) -> None:
        self._refused.add(whose)
        try:
            await self._end([p for p in self._processes if whose in _names(p)], grace=grace)
        finally:
            self._refused.discard(whose)

    async def _end(self, processes: list[SupervisedProcess], *, grace: float) -> None:
        if processes:
            await end_processes(processes, self._hunt, grace=grace)
            self._forget(processes)

    async def _end_together(self, processes: Sequence[SupervisedProcess], grace: float) -> None:
        await end_processes(processes, self._hunt, grace=grace)

    async def _tend(self) -> None:
        """Keep the census while something runs, often at first and then every `LOOK_SECONDS`."""
        pause = FIRST_LOOK_SECONDS
        while True:
            if not self._processes:
                await self._news.wait()
            if self._news.is_set():
                self._news.clear()
                pause = FIRST_LOOK_SECONDS
            await asyncio.sleep(pause)
            pause = min(2 * pause, LOOK_SECONDS)
            self._hunt.take_census([process.household for process in self._processes])
            await self._settle()
            self._write_ledger()

    async def _settle(self) -> None:
        """Forget the dead, unless something that they started lives on."""
        self._forget([process for process in self._processes if process.cleared])
        over = [
            process
            for process in self._processes
            if process.returncode is not None and not process.household.seen
        ]
        if over and await self._hunt.find(join(process.tree for process in over)):
            for process in over:
                process.household.seen.update(await self._hunt.find(process.tree))
        self._forget([process for process in over if not process.household.seen])

    def _forget(self, processes: Iterable[SupervisedProcess]) -> None:
        gone = [process for process in processes if process.returncode is not None]
        for process in gone:
            process.cleared = True
        self._processes = [process for process in self._processes if process not in gone]

    def _write_ledger(self) -> None:
        alive = [p.household.root for p in self._processes if p.returncode is None]
        seen = [who for process in self._processes for who in process.household.seen]
        try:
            self._ledger.write(frozenset(alive + seen))
        except OSError as error:  # a full disk: the census goes on, the next look tries again
            if not self._unwritten:
                log.error("the list of processes could not be written: %s", error.strerror)
            self._unwritten = True
        else:
            self._unwritten = False


class PluginProcesses:
    """`sdk.Processes` in the name of one plugin."""

    def __init__(self, supervisor: ProcessSupervisor, plugin: str) -> None:
        self._supervisor = supervisor
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
        folder: Path | None = None,
        kill_after: float = 1.0,
    ) -> None:
        await self._supervisor.terminate_matching(
            entries, since=since, folder=folder, kill_after=kill_after
        )


def _names(process: SupervisedProcess) -> set[str]:
    return {f"plugin {process.plugin}", f"owner {process.owner}"}


def _start(
    argv: Sequence[str], cwd: Path, environment: Mapping[str, SecretStr | str], mark: ProcessTag
) -> subprocess.Popen[bytes]:
    if not argv:
        raise BadRequest("There is no command to run.")
    name = Path(argv[0]).name
    if not cwd.is_dir():
        raise AgentFailure(f"The folder {cwd.name} is not there.", code="not_installed")
    try:
        return subprocess.Popen(  # noqa: S603 - the caller's own argument list, no shell
            list(argv),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=child_environment(os.environ, environment, mark.environment()),
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        text = f"{name} is not installed, or may not be run."
    except (OSError, ValueError) as error:
        raise AgentFailure(f"{name} could not be started.", code="internal") from error
    raise AgentFailure(text, code="not_installed")
