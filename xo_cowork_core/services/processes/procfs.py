"""The few words of Linux's /proc and prlimit that process supervision needs."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from xo_cowork_core.services.processes.selectors import Identity


class Row(NamedTuple):
    """One process as it was a moment ago."""

    pid: int
    parent: int
    group: int
    session: int
    start: int
    state: str

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.start)

    @property
    def dead(self) -> bool:
        """Whether it only waits to be reaped."""
        return self.state in {"Z", "X"}

    def limit(self) -> int:
        return limit(self.pid)

    def environ(self) -> bytes:
        return environ(self.pid)

    def cwd(self) -> str:
        """Its working directory; empty when it may not be read."""
        with suppress(OSError):
            return os.readlink(f"/proc/{self.pid}/cwd")  # noqa: PTH115 - as the kernel says it
        return ""

    def ancestors(self) -> "Iterator[Row]":
        """Go through its ancestors, the nearest first, then to the leader of its session."""
        elder, met = row(self.parent), {self.pid}
        while elder is not None and elder.pid not in met:
            met.add(elder.pid)
            yield elder
            elder = row(elder.parent)
        leader = row(self.session)
        if leader is not None and leader.pid not in met:
            yield leader


def pids() -> list[int]:
    """List all processes, the youngest first: one that forks and exits over and over is met
    within microseconds of the listing."""
    names = os.listdir("/proc")  # noqa: PTH208 - done often: paths would cost more than the look
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def row(pid: int) -> Row | None:
    """Read one process; None when it is gone."""
    text = _read(f"/proc/{pid}/stat")
    # The name in the second field may itself hold brackets and blanks.
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    parent, group, session = (int(field) for field in fields[1:4])
    return Row(pid, parent, group, session, int(fields[19]), fields[0].decode())


def environ(pid: int) -> bytes:
    """Read the environment with which it was started; empty when it may not be read."""
    return _read(f"/proc/{pid}/environ")


def limit(pid: int) -> int:
    """Read the limit that marks it; -1 when there is none or it may not be read."""
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0]
    except OSError:
        return -1


def tick(moment: float) -> int:
    """Say in which tick a moment of `time.monotonic` lies: start times are counted so."""
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - (time.monotonic() - moment)
    return int(since_boot * os.sysconf("SC_CLK_TCK"))


def lineage(pid: int) -> set[int]:
    """A process and all its ancestors."""
    line: set[int] = set()
    while pid > 0 and pid not in line:
        line.add(pid)
        found = row(pid)
        pid = found.parent if found else 0
    return line


def machine_boot() -> str:
    """Name this run of the machine; start times count from its beginning."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def _read(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts: list[bytes] = []
        while part := os.read(file, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:  # it ended while it was read
        return b""
    finally:
        os.close(file)
