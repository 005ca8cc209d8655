"""Processor time and memory of one process, from /proc."""

import os
import threading
import time
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.01


def cpu_seconds(pid: int) -> float:
    """Return user and system time of all threads, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_SECONDS


def rss_mb(pid: int) -> float:
    """Return the resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class PeakMemory:
    """Samples the memory of a process while the `with` block runs. Owns one thread."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak", daemon=True)
        self.start_mb = 0.0
        self.peak_mb = 0.0

    @property
    def growth_mb(self) -> float:
        """Return the peak above the memory at the start, in MB."""
        return self.peak_mb - self.start_mb

    def __enter__(self) -> "PeakMemory":
        self.start_mb = self.peak_mb = rss_mb(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.peak_mb = max(self.peak_mb, rss_mb(self._pid))


def settle(pid: int, *, seconds: float = 5.0) -> None:
    """Wait until a process has used no processor time for 0.2 s, at most `seconds`."""
    until = time.monotonic() + seconds
    quiet_since, last = time.monotonic(), cpu_seconds(pid)
    while time.monotonic() < until and time.monotonic() - quiet_since < 0.2:
        time.sleep(0.02)
        now = cpu_seconds(pid)
        if now != last:
            quiet_since, last = time.monotonic(), now
