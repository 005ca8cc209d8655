"""Reads processes and their descendants from /proc. Linux only."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.01
MAX_POLL_SECONDS = 0.2
# a long wait for a busy process must not take a share of the processor from it
POLL_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process, identified by its pid and its start time in clock ticks since boot."""

    pid: int
    start_time: int
    parent_pid: int
    command: str

    @property
    def is_alive(self) -> bool:
        process = _read_process(self.pid)
        return process is not None and process.start_time == self.start_time


def descendants(root: int) -> list[ProcessInfo]:
    """Return every living descendant of the pid `root`, in any session and process group."""
    children: dict[int, list[int]] = {}
    for pid in _list_pids():
        if stat := _read_stat(pid):
            children.setdefault(int(stat[1]), []).append(pid)
    tree: list[int] = []
    parents = [root]
    while parents:
        below = children.pop(parents.pop(), [])
        tree += below
        parents += below
    return [process for pid in tree if (process := _read_process(pid))]


def session_members(session_id: int) -> list[ProcessInfo]:
    """Return every living process of a session, named by the pid of its first process."""
    members = (pid for pid in _list_pids() if _session_of(pid) == session_id)
    return [process for pid in members if (process := _read_process(pid))]


def read_environment(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with; empty when it can't be read."""
    try:
        content = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    entries = content.decode("utf-8", "replace").split("\0")
    return {name: value for name, mark, value in (e.partition("=") for e in entries) if mark}


def kill_all(processes: Iterable[ProcessInfo]) -> None:
    """Send SIGKILL to the processes that are still alive."""
    for process in processes:
        if process.is_alive:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def eventually(condition: Callable[[], bool], seconds: float, description: str) -> None:
    """Wait until `condition` is true.

    Raises AssertionError with the condition's `description` after `seconds`.
    """
    start = time.monotonic()
    while not condition():
        elapsed = time.monotonic() - start
        if elapsed > seconds:
            raise AssertionError(f"not within {seconds:g} s: {description}")
        time.sleep(min(MAX_POLL_SECONDS, POLL_SECONDS + POLL_GROWTH * elapsed))


def _list_pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208


def _read_stat(pid: int) -> list[str]:
    """Return the fields after the program's name; none for a process that has ended."""
    try:
        # twice as fast as `Path.read_text`, and it is read for every process of the machine
        with open(f"{PROC}/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123
            stat = file.read().decode(errors="replace")
    except OSError:
        return []
    # the program's name is in parentheses and may itself contain parentheses and blanks
    fields = stat.rpartition(")")[2].split()
    # one without memory is at its end: the kernel has yet to make it a zombie
    return [] if fields[0] in {"Z", "X"} or fields[20] == "0" else fields


def _read_process(pid: int) -> ProcessInfo | None:
    try:
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    if not (stat := _read_stat(pid)):
        return None
    text = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return ProcessInfo(pid, start_time=int(stat[19]), parent_pid=int(stat[1]), command=text)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
