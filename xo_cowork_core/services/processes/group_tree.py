"""Process trees on systems without /proc: only process groups are ended.

A descendant that leaves its group is not found.
"""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress

from xo_cowork_core.services.processes.selectors import ProcessIdentity, ProcessSelector


class ProcessGroupTree:
    """The process groups of the roots; each root leads its own group."""

    def become_subreaper(self) -> None:
        """Do nothing: these systems have no child subreaper."""

    @contextmanager
    def inherited_limit(self, limit: int) -> Generator[None]:
        yield

    def identify(self, pid: int) -> ProcessIdentity:
        return ProcessIdentity(pid, 0)

    def tick_at(self, moment: float) -> int:
        return 0

    def find(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        return []

    def find_orphans(self, selector: ProcessSelector) -> list[ProcessIdentity]:
        return []

    def signal(self, selector: ProcessSelector, number: signal.Signals) -> None:
        for root in selector.roots:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(root.pid, number)

    def kill(
        self, selector: ProcessSelector, spare: frozenset[int], seconds: float
    ) -> list[ProcessIdentity]:
        """Kill the groups whose leader is dead: the members of others can't be identified."""
        for root in selector.roots:
            with suppress(PermissionError):
                try:
                    os.kill(root.pid, 0)
                except ProcessLookupError:
                    _kill_group(root.pid)
        return []


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
