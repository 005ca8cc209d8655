"""Looks at processes through /proc: who lives below whom. Linux only."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Pid:
    """One process, told apart from a later one of the same number by its start time."""

    number: int
    started: int
    parent: int
    command: str

    @property
    def alive(self) -> bool:
        now = _look(self.number)
        return now is not None and now.started == self.started


def descendants(root: int) -> list[Pid]:
    """List every living process below `root`, whatever its session or group."""
    everyone = [found for entry in PROC.iterdir() if (found := _look(_number(entry.name)))]
    family = {root}
    grown = True
    while grown:
        children = {pid.number for pid in everyone if pid.parent in family}
        grown = not children <= family
        family |= children
    return [pid for pid in everyone if pid.number in family and pid.number != root]


def kill_all(pids: Iterable[Pid]) -> None:
    """Send SIGKILL to those that are still alive."""
    for pid in pids:
        if pid.alive:
            try:
                os.kill(pid.number, signal.SIGKILL)
            except ProcessLookupError:
                continue


def eventually(holds: Callable[[], bool], seconds: float, wanted: str) -> None:
    """Wait until `holds` is true. Raises AssertionError that says what was `wanted`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {wanted}")
        time.sleep(POLL_SECONDS)


def _number(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _look(number: int) -> Pid | None:
    if not number:
        return None
    try:
        stat = (PROC / str(number) / "stat").read_text(errors="replace")
        command = (PROC / str(number) / "cmdline").read_bytes()
    except OSError:
        return None
    # the program's name stands in brackets and may itself hold brackets and blanks
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    text = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return Pid(number, started=int(fields[19]), parent=int(fields[1]), command=text)
