"""Finds, signals and kills process trees on Linux.

Every method blocks: a scan takes about 40 µs for each process of the machine.
"""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.procfs import ProcessStat
from xo_cowork_core.services.processes.selectors import ProcessIdentity, ProcessSelector

PR_SET_CHILD_SUBREAPER = 36
SCAN_PAUSE_SECONDS = 0.003


class LinuxProcessTree:
    """Process trees as /proc shows them."""

    def __init__(self) -> None:
        self._server = os.getpid()
        # members of any selector that still exist
        self._members: set[ProcessIdentity] = set()
        self._reaped_orphans = 0

    def become_subreaper(self) -> None:
        """Make this process the parent of orphaned descendants.

        Never undone: the flag is one for the whole process, and another supervisor may need it.
        """
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    @contextmanager
    def inherited_limit(self, limit: int) -> Generator[None]:
        """Let children that are started inside inherit the limit."""
        old = resource.getrlimit(resource.RLIMIT_RTTIME)
        try:
            resource.setrlimit(resource.RLIMIT_RTTIME, (limit, old[1]))
        except (OSError, ValueError):  # not permitted here: the environment entry has to do
            yield
            return
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_RTTIME, old)

    def identify(self, pid: int) -> ProcessIdentity:
        stat = procfs.read_stat(pid)
        return stat.identity if stat else ProcessIdentity(pid, 0)

    def tick_at(self, moment: float) -> int:
        return procfs.tick_at(moment)

    def find(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        """Return the living processes of a selector, its roots left out."""
        return [stat.identity for stat in self._scan(selector) if not self._reap(stat)]

    def find_orphans(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        """Return those of `find` whose own parent is dead."""
        return [
            stat.identity
            for stat in self._scan(selector)
            if stat.parent == self._server and not self._reap(stat)
        ]

    def signal(self, selector: ProcessSelector, number: signal.Signals) -> None:
        """Send a signal to every process that `find` returns."""
        for stat in self._scan(selector):
            if not self._reap(stat):
                _send_signal(stat, number)

    def kill(
        self, selector: ProcessSelector, spare: frozenset[int], seconds: float
    ) -> list[ProcessIdentity]:
        """Kill every process that `find` returns but those of `spare`; return the survivors.

        Ends when two scans in a row find neither a process nor a dead orphan, or after `seconds`.
        """
        deadline = time.monotonic() + seconds
        empty_scans = 0
        while True:
            reaped = self._reaped_orphans
            alive = self._kill_once(selector, spare)
            empty_scans = 0 if alive or self._reaped_orphans != reaped else empty_scans + 1
            if empty_scans == 2 or time.monotonic() >= deadline:
                return alive
            time.sleep(SCAN_PAUSE_SECONDS)

    def _kill_once(self, selector: ProcessSelector, spare: frozenset[int]) -> list[ProcessIdentity]:
        # a group is killed at once, so that a process that forks and exits in a loop can't escape
        handled_groups = self._protected_groups(selector, spare) if selector.limits else None
        alive: list[ProcessIdentity] = []
        for stat in self._scan(selector):
            if stat.pid in spare:
                continue
            if handled_groups is not None and stat.group not in handled_groups:
                handled_groups.add(stat.group)
                _kill_group(stat)
            if not self._reap(stat):
                _send_signal(stat, signal.SIGKILL)
                alive.append(stat.identity)
        return alive

    def _protected_groups(self, selector: ProcessSelector, spare: frozenset[int]) -> set[int]:
        """Return the process groups with a member that must stay alive."""
        pids = procfs.with_ancestors(self._server) | selector.excluded | spare
        pids |= {root.pid for root in selector.roots}
        stats = [procfs.read_stat(pid) for pid in pids]
        return {0} | {stat.group for stat in stats if stat is not None and not stat.is_zombie}

    def _scan(self, selector: ProcessSelector) -> Iterator[ProcessStat]:
        """Yield the selector's processes, each as soon as it is read."""
        excluded = procfs.with_ancestors(self._server) | selector.excluded
        roots = {root.pid for root in selector.roots if not _is_reused(root)}
        selected = set(roots)
        others: list[ProcessStat] = []
        for stat in self._read_processes(excluded | roots):
            if _is_selected(stat, selector, roots):
                selected.add(stat.pid)
                self._members.add(stat.identity)
                yield stat
            elif stat.is_zombie and stat.parent == self._server and stat.limit() in selector.limits:
                self._reap(stat)
            else:
                others.append(stat)
        while children := [
            stat for stat in others if stat.parent in selected or stat.session in selected
        ]:
            selected.update(stat.pid for stat in children)
            others = [stat for stat in others if stat.pid not in selected]
            self._members.update(stat.identity for stat in children)
            yield from children

    def _read_processes(self, excluded: set[int]) -> Iterator[ProcessStat]:
        """Yield all processes but the excluded ones, and reap members that have died.

        Where the limit can't be set, the owner of a zombie is unknown.
        """
        pids = procfs.list_pids()
        for member in [member for member in tuple(self._members) if member.pid not in pids]:
            self._members.discard(member)
        for pid in pids:
            stat = None if pid in excluded else procfs.read_stat(pid)
            if stat is not None and not (stat.identity in self._members and self._reap(stat)):
                yield stat

    def _reap(self, stat: ProcessStat) -> bool:
        """Return whether a process is dead, and reap it when it is the server's child."""
        if stat.is_zombie and stat.parent == self._server:
            # exactly this pid: waiting for any child would take the exit codes of other code
            with suppress(ChildProcessError):
                self._reaped_orphans += os.waitpid(stat.pid, os.WNOHANG)[0] == stat.pid
        return stat.is_zombie


def _is_selected(stat: ProcessStat, selector: ProcessSelector, roots: set[int]) -> bool:
    return stat.identity in selector.known or stat.session in roots or selector.matches(stat)


def _is_reused(root: ProcessIdentity) -> bool:
    """Return whether another process has the root's pid.

    The kernel does not reuse the pid while the root's session has members, so a reused pid means
    that the session is empty.
    """
    stat = procfs.read_stat(root.pid)
    return stat is not None and stat.start != root.start


def _send_signal(stat: ProcessStat, number: signal.Signals) -> None:
    """Signal this process, and not a later one with the same pid."""
    with suppress(OSError):
        pidfd = os.pidfd_open(stat.pid)
        try:
            now = procfs.read_stat(stat.pid)
            if now is not None and now.start == stat.start:
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


def _kill_group(stat: ProcessStat) -> None:
    """Kill the process group of a process.

    The group's number is not reused while the process exists, alive or zombie.
    """
    now = procfs.read_stat(stat.pid)
    if now is not None and (now.start, now.group) == (stat.start, stat.group):
        with suppress(OSError):
            os.killpg(stat.group, signal.SIGKILL)
