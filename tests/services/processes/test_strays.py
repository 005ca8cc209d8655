"""Processes left behind by a program that this server did not start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# not those of another run of these tests beside this one
OURS = {"TOOL": "exec", "TOOL_PORT": f"1{os.getpid()}"}
# starts a child for each line of stdin, with the variables that the line names
PARENT = (
    "import os, subprocess, sys\n"
    "for line in sys.stdin:\n"
    "    kept = {name: os.environ[name] for name in line.split()}\n"
    "    subprocess.Popen([sys.executable, *sys.argv[1:]], env=kept, start_new_session=True)\n"
)
TICK_SECONDS = 0.02


class Outside:
    """Starts processes behind the supervisor's back."""

    def __init__(self, harness: Any, started: list[subprocess.Popen[bytes]]) -> None:
        self.harness = harness
        self._started = started
        self.sleeper = [str(harness.scripts / "sleeper.py"), str(harness.folder)]

    async def run(self, *argv: str, cwd: Path | None = None, **variables: str) -> int:
        """Start a program, a sleeper by default, and return its pid."""
        before = len(self.harness.pids())
        process = subprocess.Popen(
            [sys.executable, *(argv or self.sleeper)],
            stdin=subprocess.PIPE,
            env=variables,
            cwd=cwd,
            start_new_session=True,
        )
        self._started.append(process)
        if not argv:
            await self.harness.until(lambda: len(self.harness.pids()) > before)
        return process.pid

    async def parent(self, **variables: str) -> subprocess.Popen[bytes]:
        await self.run("-c", PARENT, *self.sleeper, **variables)
        return self._started[-1]

    async def child(self, parent: subprocess.Popen[bytes], *names: str) -> int:
        """Have a parent start a sleeper with these of its variables."""
        known = set(self.harness.pids())
        assert parent.stdin
        parent.stdin.write(" ".join(names).encode() + b"\n")
        parent.stdin.flush()
        await self.harness.until(lambda: set(self.harness.pids()) - known)
        return next(iter(set(self.harness.pids()) - known))

    async def now(self) -> float:
        """Return a moment that later start times differ from: they are coarse."""
        moment = time.monotonic() + TICK_SECONDS
        await self.harness.until(lambda: time.monotonic() > moment + TICK_SECONDS)
        return moment

    async def end(
        self, since: float, folder: Path | None = None, until: float | None = None
    ) -> None:
        await self.harness.processes.terminate_matching(
            OURS, since=since, until=until, folder=folder, kill_after=0.3
        )
        for process in self._started:
            process.poll()

    async def kill(self, pids: set[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await self.harness.until(lambda: not self.harness.alive())


@pytest.fixture
def outside() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_only_those_with_all_entries_end(run, outside) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        since = await out.now()
        await out.run(**OURS)
        kept = {await out.run(TOOL="exec"), await out.run(TOOL="exec", TOOL_PORT="2")}
        kept.add(await out.run())
        await out.end(since)
        assert harness.alive() == kept
        await out.kill(kept)

    run(test)


def test_older_ones_and_what_they_start_go_on(run, outside) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        kept = {await out.run(**OURS)}
        parent = await out.parent(**OURS)
        since = await out.now()
        kept |= {parent.pid, await out.child(parent, *OURS)}
        await out.run(**OURS)
        await out.end(since)
        assert harness.alive() == kept
        await out.kill(kept)

    run(test)


def test_later_ones_go_on(run, outside) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        since = await out.now()
        await out.run(**OURS)
        until = await out.now()
        kept = {await out.run(**OURS)}
        await out.end(since, until=until)
        assert harness.alive() == kept
        await out.kill(kept)

    run(test)


def test_those_that_work_elsewhere_go_on(run, outside, tmp_path: Path) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        here, inner, twin = tmp_path / "here", tmp_path / "here" / "inner", tmp_path / "here2"
        for folder in (inner, twin):
            folder.mkdir(parents=True)
        (tmp_path / "link").symlink_to(here)
        since = await out.now()
        for folder in (here, inner):
            await out.run(cwd=folder, **OURS)
        await out.run(cwd=Path("/"), PWD=str(here), **OURS)
        kept = {await out.run(cwd=twin, **OURS), await out.run(cwd=tmp_path, **OURS)}
        await out.end(since, tmp_path / "link")
        assert harness.alive() == kept
        await out.kill(kept)

    run(test)


def test_what_they_started_without_the_entries_ends_too(run, outside) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        since = await out.now()
        await out.child(await out.parent(**OURS))
        await out.end(since)
        assert not harness.alive()

    run(test)


@pytest.mark.parametrize("kind", ["ignores_sigterm.py", "daemon.py", "respawner.py"])
def test_they_end_whatever_they_try(run, outside, kind: str) -> None:
    async def test(harness: Any) -> None:
        out = Outside(harness, outside)
        since = await out.now()
        await out.run(str(harness.scripts / kind), str(harness.folder), **OURS)
        await harness.until(harness.pids)
        await out.end(since)
        assert not harness.alive()

    run(test)


@pytest.mark.parametrize("entries", [{}, {"TOOL": ""}])
def test_entries_that_match_every_process_are_refused(run, entries: dict[str, str]) -> None:
    async def test(harness: Any) -> None:
        with pytest.raises(ValueError, match="an empty entry would match every process"):
            await harness.processes.terminate_matching(entries, since=time.monotonic())

    run(test)
