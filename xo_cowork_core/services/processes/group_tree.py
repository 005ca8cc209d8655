"""Process trees where there is no /proc: only process groups can be ended, escapees stay."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress

from xo_cowork_core.services.processes.selectors import Identity, Search


class GroupTree:
    """Process groups of the roots, each of which leads its own."""

    def adopt_orphans(self) -> None:
        """Do nothing: orphans go to the machine's first process."""

    @contextmanager
    def marking(self, limit: int) -> Generator[None]:
        yield

    def identify(self, pid: int) -> Identity:
        return Identity(pid, 0)

    def tick(self, moment: float) -> int:
        return 0

    def find(self, search: Search) -> list[Identity]:
        return []

    def orphans(self, search: Search) -> list[Identity]:
        return []

    def signal(self, search: Search, number: signal.Signals) -> None:
        for root in search.roots:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(root.pid, number)

    def end(self, search: Search, spare: frozenset[int], seconds: float) -> list[Identity]:
        """Kill the groups whose leader is dead: below a living one nobody can be told apart."""
        for root in search.roots:
            with suppress(PermissionError):
                try:
                    os.kill(root.pid, 0)
                except ProcessLookupError:
                    _kill_group(root.pid)
        return []


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
