"""What survives a SIGKILL of the server: on disk, which processes it had started.

Not synced: the machine's own crash ends the processes too.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.selectors import Identity


class Ledger:
    """One file a server under `<state folder>/processes`, replaced whole when it changes."""

    def __init__(self, state_dir: Path, boot: str) -> None:
        self._folder = state_dir / "processes"
        self._file = self._folder / f"{boot}.json"
        self._written: frozenset[Identity] | None = None

    def write(self, alive: frozenset[Identity]) -> None:
        """Record what is alive now."""
        if alive == self._written:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        body = json.dumps({"machine": procfs.machine_boot(), "processes": sorted(alive)})
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(body)
        fresh.replace(self._file)
        self._written = alive

    def earlier(self) -> frozenset[Identity]:
        """Return what other servers recorded during this run of the machine."""
        return frozenset(who for file in self._others() for who in _read(file))

    def forget_earlier(self) -> None:
        for file in self._others():
            file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget all: nothing is alive any more."""
        self._file.unlink(missing_ok=True)
        self._written = None

    def _others(self) -> list[Path]:
        return [file for file in self._folder.glob("*") if file != self._file]


def _read(file: Path) -> Iterator[Identity]:
    """Read one file's identities; a file that makes no sense holds none."""
    try:
        body: object = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return
    if not isinstance(body, dict):
        return
    known = cast("dict[str, object]", body)
    rows = known.get("processes")
    if known.get("machine") != procfs.machine_boot() or not isinstance(rows, list):
        return
    for entry in cast("list[object]", rows):
        match entry:
            case [int(pid), int(start)]:
                yield Identity(pid, start)
            case _:
                continue
