"""Reads the fields of Linux's /proc and prlimit that process supervision needs."""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from xo_cowork_core.services.processes.selectors import ProcessIdentity


class ProcessStat(NamedTuple):
    """The fields of /proc/<pid>/stat when it was read. `start` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    start: int
    state: str

    @property
    def identity(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.start)

    @property
    def is_zombie(self) -> bool:
        """The process is dead and not reaped."""
        return self.state in {"Z", "X"}

    def limit(self) -> int:
        return read_limit(self.pid)

    def environ(self) -> bytes:
        return read_environ(self.pid)

    def cwd(self) -> str:
        """Return its working directory; empty when it may not be read."""
        with suppress(OSError):
            return os.readlink(f"/proc/{self.pid}/cwd")  # noqa: PTH115 - the kernel's own text
        return ""

    def ancestors(self) -> "Iterator[ProcessStat]":
        """Yield its ancestors, the nearest first, then the leader of its session."""
        ancestor, visited = read_stat(self.parent), {self.pid}
        while ancestor is not None and ancestor.pid not in visited:
            visited.add(ancestor.pid)
            yield ancestor
            ancestor = read_stat(ancestor.parent)
        leader = read_stat(self.session)
        if leader is not None and leader.pid not in visited:
            yield leader


def list_pids() -> list[int]:
    """Return all pids, the youngest first.

    A process that forks and exits over and over is then read within microseconds of the listing.
    """
    names = os.listdir("/proc")  # noqa: PTH208 - Path objects would cost more than the listing
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def read_stat(pid: int) -> ProcessStat | None:
    """Read one process; None when it does not exist."""
    text = _read(f"/proc/{pid}/stat")
    # the name in the second field may hold brackets and blanks
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    parent, group, session = (int(field) for field in fields[1:4])
    return ProcessStat(pid, parent, group, session, int(fields[19]), fields[0].decode())


def read_environ(pid: int) -> bytes:
    """Return the environment that the process was started with; empty when unreadable."""
    return _read(f"/proc/{pid}/environ")


def read_limit(pid: int) -> int:
    """Return the soft RLIMIT_RTTIME of a process; -1 when there is none or it is unreadable."""
    try:
        return resource.prlimit(pid, resource.RLIMIT_RTTIME)[0]
    except OSError:
        return -1


def tick_at(moment: float) -> int:
    """Return the clock tick since boot of a moment of `time.monotonic`."""
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - (time.monotonic() - moment)
    return int(since_boot * os.sysconf("SC_CLK_TCK"))


def with_ancestors(pid: int) -> set[int]:
    """Return a pid and the pids of all its ancestors."""
    pids: set[int] = set()
    while pid > 0 and pid not in pids:
        pids.add(pid)
        stat = read_stat(pid)
        pid = stat.parent if stat else 0
    return pids


def boot_id() -> str:
    """Return the kernel's id of this boot; start times count from its beginning."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts: list[bytes] = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:  # the process ended meanwhile
        return b""
    finally:
        os.close(descriptor)
