"""One process that works for several jobs, and what each of these started."""

from typing import Any

import pytest

SCRIPTS = [
    "own_session.py",
    "ignores_sigterm.py",
    "daemon.py stay",
    "daemon.py",
    "respawner.py",
    "fork_chain.py",
    "fork_race.py",
]
# starts a program for a job, both named by a line of stdin
WORKER = (
    "import os, subprocess, sys\n"
    "for line in sys.stdin:\n"
    "    job, *argv = line.split()\n"
    "    environment = {**os.environ, 'JOB': job} if job != '-' else {**os.environ}\n"
    "    subprocess.Popen([sys.executable, *argv], env=environment, stdin=subprocess.DEVNULL)\n"
)
POLITE = (
    "import pathlib, signal, sys\n"
    "sign = pathlib.Path(sys.argv[1], 'cleaned-up')\n"
    "signal.signal(signal.SIGTERM, lambda *_: (sign.touch(), sys.exit()))\n"
    "pathlib.Path(sys.argv[1], 'ready').touch()\n"
    "signal.pause()\n"
)


async def begin(harness: Any, process: Any, job: str, line: str) -> set[int]:
    """Start a script for a job; return the pids that it adds."""
    script, *words = line.split()
    known, before = harness.alive(), set(harness.pids())
    path = harness.scripts / script
    await process.write(" ".join([job, str(path), str(harness.folder), *words]).encode() + b"\n")
    await harness.until(lambda: set(harness.pids()) - before)
    return harness.alive() - known


@pytest.mark.parametrize("kind", SCRIPTS)
def test_one_jobs_processes_end_and_the_others_go_on(run, kind: str) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(WORKER)
        kept = await begin(harness, process, "two", "own_session.py")
        kept |= await begin(harness, process, "-", "own_session.py")
        await begin(harness, process, "one", kind)
        assert await process.terminate_tagged("JOB", "one", kill_after=0.3)
        assert harness.alive() == kept | {process.pid}

    run(test)


def test_sigterm_is_sent_before_sigkill(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(WORKER)
        program = harness.folder / "polite.py"
        program.write_text(POLITE)
        await process.write(f"one {program} {harness.folder}\n".encode())
        await harness.until((harness.folder / "ready").exists)
        await process.terminate_tagged("JOB", "one", kill_after=30.0)
        assert (harness.folder / "cleaned-up").exists()

    run(test)


def test_a_child_that_emptied_its_environment_ends_with_its_parent(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(WORKER)
        program = harness.folder / "parent.py"
        sleeper = str(harness.scripts / "sleeper.py")
        program.write_text(
            "import subprocess, sys\n"
            f"subprocess.run([sys.executable, {sleeper!r}, sys.argv[1], 'no-term'], env={{}})\n"
        )
        await process.write(f"one {program} {harness.folder}\n".encode())
        await harness.until(harness.pids)
        assert await process.terminate_tagged("JOB", "one", kill_after=0.3)
        assert harness.alive() == {process.pid}

    run(test)


def test_a_daemon_without_its_tags_is_reported(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(WORKER)
        await begin(harness, process, "two", "daemon.py")
        assert await process.terminate_tagged("JOB", "one", kill_after=0.1)
        await begin(harness, process, "one", "daemon.py bare")
        await harness.until(lambda: len(harness.alive()) == 3)
        assert not await process.terminate_tagged("JOB", "one", kill_after=0.1)
        assert len(harness.alive()) == 3

    run(test)


def test_a_job_without_processes_is_ended_at_once(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(WORKER)
        assert await process.terminate_tagged("JOB", "one", kill_after=60.0)
        await process.stop(kill_after=0.1)
        assert await process.terminate_tagged("JOB", "one", kill_after=60.0)

    run(test)
