"""Tracks the descendants of each supervised process.

An update runs on the event loop every second or two and takes well below a millisecond: it reads
only pids that are new since the last update.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.selectors import ProcessIdentity


@dataclass(slots=True)
class TrackedTree:
    """A supervised process and its living descendants. `limit` is the value of its tag."""

    root: ProcessIdentity
    limit: int
    members: set[ProcessIdentity] = field(default_factory=set[ProcessIdentity])


class ProcessTracker:
    """Holds the pids of the machine at the last update."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def update(self, trees: Collection[TrackedTree]) -> None:
        """Update each tracked tree, and reap the orphans in it."""
        pids = set(procfs.list_pids())
        roots = {tree.root.pid for tree in trees}
        for tree in trees:
            tree.members = {
                member
                for member in tree.members
                if member.pid in pids and (member.pid in roots or not _reap(member.pid))
            }
        self._assign(sorted(pids - self._pids - roots), trees)
        self._pids = pids

    def _assign(self, new_pids: list[int], trees: Collection[TrackedTree]) -> None:
        """Add each new process to the tree of its tag, else to the tree of its parent."""
        by_limit = {tree.limit: tree for tree in trees}
        by_pid = {tree.root.pid: tree for tree in trees}
        by_pid.update({member.pid: tree for tree in trees for member in tree.members})
        # in rising order a parent comes before its children, unless the pids have wrapped
        for pid in new_pids:
            stat = procfs.read_stat(pid)
            if stat is None:
                continue
            tree = by_limit.get(procfs.read_limit(pid)) or by_pid.get(stat.parent)
            if tree is None:
                continue
            by_pid[pid] = tree
            if not (stat.is_zombie and _reap(pid)):
                tree.members.add(stat.identity)


def _reap(pid: int) -> bool:
    """Reap a dead orphan that became the server's child.

    Return False while the process lives or has another parent.
    """
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
