"""Real processes that try to get away, and what must not be touched."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import psutil
import pytest

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

ESCAPES = [
    "own_session.py",
    "ignores_sigterm.py",
    "daemon.py stay",
    "daemon.py stay bare",
    "daemon.py",
    "daemon.py bare",
    "respawner.py",
    "fork_chain.py",
    "fork_race.py",
    "holds_stdout.py",
]


@pytest.mark.parametrize("kind", ESCAPES)
def test_stop_leaves_nothing_alive(run, kind: str) -> None:
    async def test(harness: Any) -> None:
        process = await harness.start_script(kind)
        await process.stop(kill_after=0.3)
        assert not harness.alive()
        assert not harness.zombies()

    run(test)


POLITE = """
import os, pathlib, signal, subprocess, sys, time
def end(*_):
    pathlib.Path(sys.argv[1], f"asked-{os.getpid()}").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
if "child" not in sys.argv:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], *sys.argv[1:], "child"])
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(600)
"""


def test_a_process_and_its_descendants_are_asked_to_end_before_they_are_killed(run) -> None:
    async def test(harness: Any) -> None:
        argv = [sys.executable, "-c", POLITE, str(harness.folder), POLITE]
        process = await harness.processes.spawn(argv, cwd=harness.folder, environment={})
        await harness.until(lambda: len(harness.pids()) == 2)
        await process.stop(kill_after=30.0)
        assert {file.name for file in harness.folder.glob("asked-*")} == {
            f"asked-{pid}" for pid in harness.pids()
        }
        assert not harness.alive()

    run(test)


def test_stop_owner_returns_once_what_a_failed_process_said(run) -> None:
    async def test(harness: Any) -> None:
        failed = await harness.python("import sys; sys.exit('no battery')", owner="turn")
        await failed.wait(30)
        await harness.python("import time; time.sleep(600)", owner="turn")
        assert await harness.supervisor.stop_owner("turn") == "no battery"
        assert await harness.supervisor.stop_owner("turn") == ""

    run(test)


@pytest.mark.parametrize("kind", ESCAPES)
def test_stop_owner_leaves_nothing_alive_and_spares_other_turns(run, kind: str) -> None:
    async def test(harness: Any) -> None:
        other = await harness.python("import time; time.sleep(60)", owner="other turn")
        await harness.start_script(kind, owner="turn")
        await harness.supervisor.stop_owner("turn")
        assert harness.alive() == {other.pid}
        assert not harness.zombies()

    run(test)


def test_what_a_dead_process_left_is_killed_with_its_plugin(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.start_script("daemon.py bare")
        assert await process.wait(30) == 0
        [daemon] = harness.pids()
        await harness.until(lambda: psutil.Process(daemon).ppid() == os.getpid())
        assert await process.descendants() == {daemon}
        await harness.supervisor.stop_plugin("another")
        assert harness.alive() == {daemon}
        await harness.supervisor.stop_plugin("harness")
        assert not harness.alive()

    run(test)


def test_an_orphan_that_ends_by_itself_is_reaped(run) -> None:
    async def test(harness: Any) -> None:
        await harness.start_script("daemon.py stay bare")
        [daemon] = harness.pids()
        await harness.until(lambda: psutil.Process(daemon).ppid() == os.getpid())
        os.kill(daemon, signal.SIGKILL)
        await harness.until(lambda: not psutil.pid_exists(daemon))

    run(test)


def test_dead_processes_are_forgotten_in_memory_and_in_the_ledger(run, tmp_path: Path) -> None:
    def recorded() -> set[int]:
        # the ledger is written a little later than the processes start
        files = (tmp_path / "state" / "processes").glob("*.json")
        return {pid for file in files for pid, _ in json.loads(file.read_bytes())["processes"]}

    async def start_and_wait(lab: Any) -> weakref.ref[Any]:
        process = await lab.python("pass")
        assert await process.wait(30) == 0
        return weakref.ref(process)

    def count_descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def is_gone(process: weakref.ref[Any]) -> bool:
        gc.collect()
        return process() is None

    async def test(lab: Any) -> None:
        living = await lab.python("import time; time.sleep(600)")
        await start_and_wait(lab)
        descriptors = count_descriptors()
        dead = [await start_and_wait(lab) for _ in range(3)]
        await lab.until(lambda: recorded() == {living.pid})
        await lab.until(lambda: all(map(is_gone, dead)))
        # the ledger may be open for a moment
        await lab.until(lambda: count_descriptors() <= descriptors)

    run(test)


def test_children_that_are_not_supervised_keep_their_exit_code(run) -> None:
    async def test(harness: Any) -> None:
        foreign = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
        process = await harness.start_script("daemon.py stay")
        await harness.until(lambda: psutil.Process(foreign.pid).status() == psutil.STATUS_ZOMBIE)
        await process.stop()
        await harness.supervisor.stop_plugin("harness")
        assert foreign.wait() == 7

    run(test)


def test_kill_descendants_spares_the_process_and_what_was_there_before(run) -> None:
    code = (
        "import subprocess, sys\n"
        "for _ in sys.stdin:\n"
        "    child = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "    print(child.pid, flush=True)\n"
    )

    async def test(harness: Any) -> None:
        process = await harness.python(code)
        await process.write(b"\n")
        first = int((await anext(process.batches()))[0])
        before = await process.descendants()
        assert before == {first}
        await process.write(b"\n")
        second = int((await anext(process.batches()))[0])
        await process.kill_descendants(spare=before)
        assert await process.descendants() == {first}
        assert psutil.Process(second).status() == psutil.STATUS_ZOMBIE  # its parent's to reap
        assert process.returncode is None
        await process.stop()
        assert not psutil.pid_exists(first)

    run(test)


def test_nothing_starts_while_its_plugin_its_turn_or_the_server_stops(run) -> None:
    async def test(harness: Any) -> None:
        for stop in (
            harness.supervisor.stop_plugin("harness"),
            harness.supervisor.stop_owner("turn"),
            harness.supervisor.stop(),
        ):
            await harness.start_script("ignores_sigterm.py", owner="turn")
            stopping = asyncio.create_task(stop)
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await harness.python("pass", owner="turn")
            await stopping
            assert not harness.alive()

    run(test)


def test_two_supervisors_leave_each_other_alone(run, tmp_path: Path) -> None:
    async def test(harness: Any) -> None:
        await harness.start_script("daemon.py stay bare")
        before = harness.alive()
        other = ProcessSupervisor(tmp_path / "other state")
        await other.start()
        process = await other.for_plugin("p").spawn(["sleep", "60"], cwd=tmp_path, environment={})
        await other.stop()
        assert process.returncode is not None
        assert harness.alive() == before

    run(test)


def test_many_stops_take_as_long_as_one(run) -> None:
    async def start_program(harness: Any) -> Any:
        """Start a program that SIGTERM does not end: its stop takes the grace of a second."""
        argv = ["sh", "-c", "trap '' TERM; echo; exec sleep 60"]
        process = await harness.processes.spawn(argv, cwd=harness.folder, environment={})
        await anext(process.batches())
        return process

    async def test(harness: Any) -> None:
        ready = [await start_program(harness) for _ in range(40)]
        async with asyncio.timeout(20):
            await harness.supervisor.stop()
        assert all(process.returncode is not None for process in ready)

    run(test)
