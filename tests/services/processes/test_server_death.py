"""What a small server in a process of its own leaves behind, and what the next one does."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from xo_cowork_core.sdk.testing import eventually
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor

END_SECONDS = 15.0
# what a terminal or a service manager sends to all processes of a group
GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def host(watch: Any, tmp_path: Path) -> Iterator[psutil.Popen]:
    argv = [sys.executable, watch.scripts / "host.py", tmp_path / "state", watch.folder]
    host = psutil.Popen([str(word) for word in argv])
    asyncio.run(watch.until(lambda: len(watch.pids()) == 4))
    yield host
    if host.is_running():
        host.kill()
        host.wait()
    start_and_stop(tmp_path / "state")


def watchers(state: Path) -> list[psutil.Process]:
    """Return the processes that watch the server of a state folder."""
    rows = psutil.process_iter(["cmdline", "status"])
    return [
        row
        for row in rows
        if row.info["status"] != psutil.STATUS_ZOMBIE
        and any("watcher_program" in word for word in row.info["cmdline"] or [])
        and str(state) in row.info["cmdline"]
    ]


def start_and_stop(state: Path) -> None:
    async def both() -> None:
        supervisor = ProcessSupervisor(state)
        await supervisor.start()
        await supervisor.stop()

    asyncio.run(both())


def test_sigterm_leaves_nothing(host: Any, watch: Any, tmp_path: Path) -> None:
    host.terminate()
    assert host.wait(20) == 0
    assert not watch.alive()
    assert not list((tmp_path / "state").glob("processes/*"))
    assert not watchers(tmp_path / "state")


@pytest.mark.fault
def test_after_sigkill_everything_ends_without_another_start(
    host: Any, watch: Any, tmp_path: Path
) -> None:
    eventually(lambda: len(watchers(tmp_path / "state")) == 1, 15, "the server is watched")
    host.kill()
    host.wait()
    eventually(lambda: not watch.alive(), END_SECONDS, "everything is ended")
    eventually(lambda: not watchers(tmp_path / "state"), END_SECONDS, "the watcher has ended")


@pytest.mark.fault
def test_a_watcher_that_was_killed_is_replaced(host: Any, watch: Any, tmp_path: Path) -> None:
    eventually(lambda: len(watchers(tmp_path / "state")) == 1, 15, "the server is watched")
    (first,) = watchers(tmp_path / "state")
    first.kill()
    eventually(lambda: bool(set(watchers(tmp_path / "state")) - {first}), 10, "another one watches")
    host.kill()
    host.wait()
    eventually(lambda: not watch.alive(), END_SECONDS, "everything is ended")


@pytest.mark.fault
def test_the_watcher_outlives_signals_to_the_whole_group(
    host: Any, watch: Any, tmp_path: Path
) -> None:
    eventually(lambda: len(watchers(tmp_path / "state")) == 1, 15, "the server is watched")
    (watcher,) = watchers(tmp_path / "state")
    eventually(lambda: ignores(watcher.pid, *GROUP_SIGNALS), 10, "the watcher is ready")
    for number in GROUP_SIGNALS:
        watcher.send_signal(number)
    host.kill()
    host.wait()
    eventually(lambda: not watch.alive(), END_SECONDS, "everything is ended")


def ignores(pid: int, *numbers: signal.Signals) -> bool:
    """Whether a process ignores signals, by the mask in its status file."""
    (mask,) = re.findall(r"SigIgn:\s+(\w+)", Path(f"/proc/{pid}/status").read_text())
    return all(int(mask, 16) >> number - 1 & 1 for number in numbers)


def kill_with_watcher(host: Any, state: Path) -> None:
    """Kill a server, and before it the process that watches it."""
    eventually(lambda: len(watchers(state)) == 1, 15, "the server is watched")
    host.suspend()
    (watcher,) = watchers(state)
    watcher.kill()
    host.kill()
    host.wait()
    # the test process adopts it
    with suppress(ChildProcessError):
        os.waitpid(watcher.pid, 0)


@pytest.mark.fault
def test_after_sigkill_the_next_start_sweeps(host: Any, watch: Any, tmp_path: Path) -> None:
    kill_with_watcher(host, tmp_path / "state")
    assert len(watch.alive()) >= 4
    start_and_stop(tmp_path / "state")
    assert not watch.alive()
    assert not watch.zombies()


def test_a_start_on_another_state_folder_sweeps_nothing(
    host: Any, watch: Any, tmp_path: Path
) -> None:
    kill_with_watcher(host, tmp_path / "state")
    before = watch.alive()
    start_and_stop(tmp_path / "another")
    assert watch.alive() == before


@pytest.mark.parametrize("shift", [0, 1], ids=["same start time", "another start time"])
def test_a_ledger_entry_kills_only_the_process_that_it_means(tmp_path: Path, shift: int) -> None:
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    start = int(Path(f"/proc/{bystander.pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    folder = tmp_path / "processes"
    folder.mkdir()
    machine = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    entry = {"machine": machine, "processes": [[bystander.pid, start + shift]]}
    (folder / "dead.json").write_text(json.dumps(entry))
    (folder / "torn.json").write_text('{"machine": "x", "proc')
    start_and_stop(tmp_path)
    if shift:
        assert bystander.poll() is None
        bystander.kill()
    bystander.wait()
    assert not list(folder.iterdir())
