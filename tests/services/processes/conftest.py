"""Fixtures that run and observe real processes, on both event loops."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import uvloop

from xo_cowork_core.sdk import Process, Processes
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

SCRIPTS = Path(__file__).parents[2] / "fakes" / "processes"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@dataclass
class ProcessWatch:
    """Observes processes: each writes its pid into `folder` and names it in its command line."""

    folder: Path
    scripts: Path = SCRIPTS

    def pids(self) -> list[int]:
        """The pids of all processes that were started."""
        return [int(file.name) for file in self.folder.iterdir() if file.name.isdigit()]

    def alive(self) -> set[int]:
        """Every process whose command line names the folder, found without the code under test."""
        found = psutil.process_iter(["cmdline"])
        return {p.pid for p in found if str(self.folder) in (p.info["cmdline"] or [])}

    def __post_init__(self) -> None:
        # the test process adopts orphans for good: those of earlier tests are not this one's
        self._earlier = {p.pid for p in psutil.Process().children()}

    def zombies(self) -> list[int]:
        children = [p for p in psutil.Process().children() if p.pid not in self._earlier]
        return [p.pid for p in children if p.status() == psutil.STATUS_ZOMBIE]

    async def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@dataclass
class SupervisorHarness(ProcessWatch):
    """A supervisor with one plugin that starts scripts."""

    supervisor: ProcessSupervisor | None = None

    @property
    def processes(self) -> Processes:
        return self.supervisor.for_plugin("harness")

    async def python(self, code: str, owner: str = "") -> Process:
        argv = [sys.executable, "-c", code, str(self.folder)]
        return await self.processes.spawn(argv, cwd=self.folder, environment={}, owner=owner)

    async def start_script(self, line: str, owner: str = "") -> Process:
        """Start one and wait until the processes that it leaves behind are alive."""
        script, *words = line.split()
        argv = [sys.executable, str(SCRIPTS / script), str(self.folder), *words]
        process = await self.processes.spawn(argv, cwd=self.folder, environment={}, owner=owner)
        await self.until(self.pids)
        return process


@asynccontextmanager
async def open_harness(watch: ProcessWatch, state: Path) -> AsyncIterator[SupervisorHarness]:
    supervisor = ProcessSupervisor(state)
    await supervisor.start()
    try:
        yield SupervisorHarness(watch.folder, supervisor=supervisor)
    finally:
        await supervisor.stop()
    assert not watch.alive()


@pytest.fixture
def watch(tmp_path: Path) -> ProcessWatch:
    folder = tmp_path / "watch"
    folder.mkdir()
    return ProcessWatch(folder)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(
    request: pytest.FixtureRequest, watch: ProcessWatch, tmp_path: Path
) -> Iterator[Callable[[Callable[[SupervisorHarness], Awaitable[None]]], None]]:
    """Run a test's coroutine with a harness, on either event loop."""

    def runner(test: Callable[[SupervisorHarness], Awaitable[None]]) -> None:
        async def within() -> None:
            async with asyncio.timeout(100), open_harness(watch, tmp_path / "state") as harness:
                await test(harness)

        with asyncio.Runner(loop_factory=request.param) as loop:
            loop.run(within())

    yield runner
