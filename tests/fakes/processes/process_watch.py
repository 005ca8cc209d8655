"""Observes processes by the folder in their command lines, in which they write their pids."""

from contextlib import suppress
from pathlib import Path

import psutil

from xo_cowork_core.sdk.testing import eventually

HERE = Path(__file__).parent
BEGIN_SECONDS = 60


class ProcessWatch:
    """A folder in which processes write their pids and which their command lines name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def line(self, escape: str) -> str:
        """Return the command that starts a program."""
        return escape.format(here=HERE, watch=self.folder)

    def pids(self) -> list[Path]:
        return list(self.folder.iterdir())

    def all_pids(self) -> set[int]:
        """Return the pids of all processes that were started, at least one."""
        assert self.pids()
        return {int(sign.name) for sign in self.pids()}

    def alive(self) -> set[int]:
        rows = psutil.process_iter(["cmdline", "status"])
        return {
            row.pid
            for row in rows
            if row.info["status"] != psutil.STATUS_ZOMBIE
            and str(self.folder) in " ".join(row.info["cmdline"] or [])
        }

    def wait_for_start(self) -> None:
        eventually(lambda: bool(self.pids()), BEGIN_SECONDS, "the command runs")

    def end(self) -> None:
        """Kill the processes that are alive: none must outlive its test."""
        for pid in self.alive():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
