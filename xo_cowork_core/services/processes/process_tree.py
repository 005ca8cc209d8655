"""Finds, signals and ends process trees on Linux. All of it blocks: about 40 µs a process of the
machine for a full look."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.procfs import Row
from xo_cowork_core.services.processes.selectors import Identity, Search

PR_SET_CHILD_SUBREAPER = 36
PAUSE_SECONDS = 0.003


class ProcTree:
    """Process trees as /proc shows them."""

    def __init__(self) -> None:
        self._server = os.getpid()
        self._met: set[Identity] = set()  # all members of any search, as long as they are there
        self._buried = 0  # how many orphans were reaped

    def adopt_orphans(self) -> None:
        """Become the parent of whatever a supervised process abandons. Never undone: it is one
        flag for the whole process, and another supervisor may rely on it."""
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    @contextmanager
    def marking(self, limit: int) -> Generator[None]:
        """Let children started inside inherit the limit."""
        old = resource.getrlimit(resource.RLIMIT_RTTIME)
        try:
            resource.setrlimit(resource.RLIMIT_RTTIME, (limit, old[1]))
        except (OSError, ValueError):  # forbidden here: the environment alone must do
            yield
            return
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_RTTIME, old)

    def identify(self, pid: int) -> Identity:
        found = procfs.row(pid)
        return found.identity if found else Identity(pid, 0)

    def tick(self, moment: float) -> int:
        return procfs.tick(moment)

    def find(self, search: Search) -> list[Identity]:
        """List what is alive and belongs to the search, its roots left out."""
        return [row.identity for row in self._members(search) if not self._bury(row)]

    def orphans(self, search: Search) -> list[Identity]:
        """List those of `find` whose own parent is gone."""
        return [
            row.identity
            for row in self._members(search)
            if row.parent == self._server and not self._bury(row)
        ]

    def signal(self, search: Search, number: signal.Signals) -> None:
        """Send a signal to everything that `find` would list."""
        for row in self._members(search):
            if not self._bury(row):
                _send(row, number)

    def end(self, search: Search, spare: frozenset[int], seconds: float) -> list[Identity]:
        """Kill everything that `find` would list until two looks in a row find nothing, nor an
        orphan that has just died; return what could not be killed in time."""
        deadline = time.monotonic() + seconds
        quiet = 0
        left: list[Identity] = []
        while quiet < 2 and time.monotonic() < deadline:
            buried = self._buried
            left = self._kill(search, spare)
            quiet = 0 if left or self._buried != buried else quiet + 1
            time.sleep(PAUSE_SECONDS)
        return left

    def _kill(self, search: Search, spare: frozenset[int]) -> list[Identity]:
        # a group is killed in one stroke: who forks and exits over and over can't slip away
        groups = self._groups_apart(search, spare) if search.limits else None
        left: list[Identity] = []
        for row in self._members(search):
            if row.pid in spare:
                continue
            if groups is not None and row.group not in groups:
                groups.add(row.group)
                _send_group(row)
            if not self._bury(row):
                _send(row, signal.SIGKILL)
                left.append(row.identity)
        return left

    def _groups_apart(self, search: Search, spare: frozenset[int]) -> set[int]:
        """Groups in which somebody must live on."""
        pids = procfs.lineage(self._server) | search.apart | spare
        pids |= {root.pid for root in search.roots}
        rows = [procfs.row(pid) for pid in pids]
        return {0} | {row.group for row in rows if row is not None and not row.dead}

    def _members(self, search: Search) -> Iterator[Row]:
        """Go through the search's processes, each as soon as it is met."""
        apart = procfs.lineage(self._server) | search.apart
        roots = {root.pid for root in search.roots if not _replaced(root)}
        descendants = set(roots)
        others: list[Row] = []
        for row in self._rows(apart | roots):
            if _belongs(row, search, roots):
                descendants.add(row.pid)
                self._met.add(row.identity)
                yield row
            elif row.dead and row.parent == self._server and row.limit() in search.limits:
                self._bury(row)
            else:
                others.append(row)
        while more := [
            row for row in others if row.parent in descendants or row.session in descendants
        ]:
            descendants.update(row.pid for row in more)
            others = [row for row in others if row.pid not in descendants]
            self._met.update(row.identity for row in more)
            yield from more

    def _rows(self, apart: set[int]) -> Iterator[Row]:
        """Read all processes but those apart, and reap what was met alive before: where the
        limit can't be set, nothing else tells whose zombie one is."""
        pids = procfs.pids()
        for gone in [who for who in tuple(self._met) if who.pid not in pids]:
            self._met.discard(gone)
        for pid in pids:
            row = None if pid in apart else procfs.row(pid)
            if row is not None and not (row.identity in self._met and self._bury(row)):
                yield row

    def _bury(self, row: Row) -> bool:
        """Say whether it is dead, and reap it when that is the server's duty."""
        if row.dead and row.parent == self._server:
            # Exactly this pid: waiting for any child would steal other people's exit codes.
            with suppress(ChildProcessError):
                self._buried += os.waitpid(row.pid, os.WNOHANG)[0] == row.pid
        return row.dead


def _belongs(row: Row, search: Search, roots: set[int]) -> bool:
    return row.identity in search.seen or row.session in roots or search.claims(row)


def _replaced(root: Identity) -> bool:
    """Whether another process has the root's pid by now. While the root's session has members
    its pid can't be given away, so in that case nothing of the session is left."""
    found = procfs.row(root.pid)
    return found is not None and found.start != root.start


def _send(row: Row, number: signal.Signals) -> None:
    """Signal this process and no later one that got the same pid."""
    with suppress(OSError):
        handle = os.pidfd_open(row.pid)
        try:
            now = procfs.row(row.pid)
            if now is not None and now.start == row.start:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _send_group(row: Row) -> None:
    """Kill the process group that this process is in. Its number is nobody else's while the
    process is there, alive or dead."""
    now = procfs.row(row.pid)
    if now is not None and (now.start, now.group) == (row.start, row.group):
        with suppress(OSError):
            os.killpg(row.group, signal.SIGKILL)
