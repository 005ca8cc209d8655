"""Remembers which processes were seen below which supervised one, cheaply enough to do it on the
event loop every second or two: only pids that are new since the last look are read."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.selectors import Identity


@dataclass(slots=True)
class TrackedTree:
    """A supervised process with everything alive that was seen below it."""

    root: Identity
    limit: int
    seen: set[Identity] = field(default_factory=set[Identity])


class ProcessTracker:
    """The pids of the machine at the last look."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def take(self, households: Collection[TrackedTree]) -> None:
        """Bring every household up to date, and reap the orphans among them."""
        now = set(procfs.pids())
        roots = {household.root.pid for household in households}
        for household in households:
            household.seen = {
                member
                for member in household.seen
                if member.pid in now and (member.pid in roots or not _reap(member.pid))
            }
        self._admit(sorted(now - self._known - roots), households)
        self._known = now

    def _admit(self, newcomers: list[int], households: Collection[TrackedTree]) -> None:
        by_limit = {household.limit: household for household in households}
        by_pid = {household.root.pid: household for household in households}
        by_pid.update({who.pid: household for household in households for who in household.seen})
        # In rising order a parent comes before its children, unless the pids have wrapped.
        for pid in newcomers:
            row = procfs.row(pid)
            if row is None:
                continue
            household = by_limit.get(procfs.limit(pid)) or by_pid.get(row.parent)
            if household is None:
                continue
            by_pid[pid] = household
            if not (row.dead and _reap(pid)):
                household.seen.add(row.identity)


def _reap(pid: int) -> bool:
    """Reap a dead orphan that became the server's child; False while it lives or has another
    parent."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
