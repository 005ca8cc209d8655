"""What escapees sign in, and what of them lives."""

from contextlib import suppress
from pathlib import Path

import psutil

from xo_cowork_core.sdk.testing import eventually

HERE = Path(__file__).parent
BEGIN_SECONDS = 20


class Life:
    """A folder that processes sign in, and that their command lines name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def line(self, escape: str) -> str:
        """Write the command that starts an escapee."""
        return escape.format(here=HERE, life=self.folder)

    def signs(self) -> list[Path]:
        return list(self.folder.iterdir())

    def signers(self) -> set[int]:
        """All that ever lived, at least one."""
        assert self.signs()
        return {int(sign.name) for sign in self.signs()}

    def alive(self) -> set[int]:
        rows = psutil.process_iter(["cmdline", "status"])
        return {
            row.pid
            for row in rows
            if row.info["status"] != psutil.STATUS_ZOMBIE
            and str(self.folder) in " ".join(row.info["cmdline"] or [])
        }

    def begins(self) -> None:
        eventually(lambda: bool(self.signs()), BEGIN_SECONDS, "the command runs")

    def end(self) -> None:
        """Kill what lives; it must not outlive its test."""
        for pid in self.alive():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
