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
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    processes = [process for pid in pids if (process := _read_process(pid))]
    tree = {root}
    is_growing = True
    while is_growing:
        children = {process.pid for process in processes if process.parent_pid in tree}
        is_growing = not children <= tree
        tree |= children
    return [process for process in processes if process.pid in tree and process.pid != root]


def session_members(session_id: int) -> list[ProcessInfo]:
    """Return every living process of a session, named by the pid of its first process."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [p for pid in pids if (p := _read_process(pid)) and _session_of(pid) == session_id]


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


def _read_process(pid: int) -> ProcessInfo | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
        command = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    # the program's name is in parentheses and may itself contain parentheses and blanks
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    text = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return ProcessInfo(pid, start_time=int(fields[19]), parent_pid=int(fields[1]), command=text)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
