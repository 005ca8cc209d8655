"""A place to watch real processes in: what lives, what is a zombie, on both event loops."""

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
from xo_cowork_core.services.processes import ProcessSupervisor

ESCAPEES = Path(__file__).parents[2] / "fakes" / "escapees"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@dataclass
class Life:
    """The file in which escaping programs register, and the folder in their command lines."""

    folder: Path
    escapees: Path = ESCAPEES

    def signs(self) -> list[int]:
        """Pids of all that ever lived."""
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

    async def until(self, condition: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@dataclass
class Lab(Life):
    """A supervisor with one plugin, and its escapees."""

    supervisor: ProcessSupervisor | None = None

    @property
    def processes(self) -> Processes:
        return self.supervisor.for_plugin("lab")

    async def python(self, code: str, owner: str = "") -> Process:
        argv = [sys.executable, "-c", code, str(self.folder)]
        return await self.processes.spawn(argv, cwd=self.folder, environment={}, owner=owner)

    async def escapee(self, line: str, owner: str = "") -> Process:
        """Start one and wait until the processes that it leaves behind are alive."""
        script, *words = line.split()
        argv = [sys.executable, str(ESCAPEES / script), str(self.folder), *words]
        process = await self.processes.spawn(argv, cwd=self.folder, environment={}, owner=owner)
        await self.until(self.signs)
        return process


@asynccontextmanager
async def open_lab(life: Life, state: Path) -> AsyncIterator[Lab]:
    supervisor = ProcessSupervisor(state)
    await supervisor.start()
    try:
        yield Lab(life.folder, supervisor=supervisor)
    finally:
        await supervisor.stop()
    assert not life.alive()


@pytest.fixture
def life(tmp_path: Path) -> Life:
    folder = tmp_path / "life"
    folder.mkdir()
    return Life(folder)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(
    request: pytest.FixtureRequest, life: Life, tmp_path: Path
) -> Iterator[Callable[[Callable[[Lab], Awaitable[None]]], None]]:
    """Run a test's coroutine in a lab, on either event loop."""

    def runner(test: Callable[[Lab], Awaitable[None]]) -> None:
        async def within() -> None:
            async with asyncio.timeout(60), open_lab(life, tmp_path / "state") as lab:
                await test(lab)

        with asyncio.Runner(loop_factory=request.param) as loop:
            loop.run(within())

    yield runner
