"""Records on disk which processes this server started, so that its successor can kill them.

The file is not synced: a crash of the machine ends the processes too.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from xo_cowork_core.services.processes import procfs
from xo_cowork_core.services.processes.selectors import ProcessIdentity


class Ledger:
    """One file per server under `<state folder>/processes`, replaced as a whole when it changes."""

    def __init__(self, state_dir: Path, server_id: str) -> None:
        self._folder = state_dir / "processes"
        self._file = self._folder / f"{server_id}.json"
        self._written: frozenset[ProcessIdentity] | None = None

    def write(self, alive: frozenset[ProcessIdentity]) -> None:
        """Record the living processes. Raises OSError."""
        if alive == self._written:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        body = json.dumps({"machine": procfs.boot_id(), "processes": sorted(alive)})
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(body)
        draft.replace(self._file)
        self._written = alive

    def read(self) -> frozenset[ProcessIdentity]:
        """Return what this server recorded."""
        return frozenset(_read_identities(self._file))

    def read_previous(self) -> frozenset[ProcessIdentity]:
        """Return what other servers recorded since the machine booted."""
        return frozenset(
            identity for file in self._other_files() for identity in _read_identities(file)
        )

    def delete_previous(self) -> None:
        """Delete the files of other servers."""
        for file in self._other_files():
            file.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete this server's file: none of its processes is alive."""
        self._file.unlink(missing_ok=True)
        self._written = None

    def _other_files(self) -> list[Path]:
        return [file for file in self._folder.glob("*") if file != self._file]


def _read_identities(file: Path) -> Iterator[ProcessIdentity]:
    """Yield the identities in one file; none for a malformed file or one of another boot."""
    try:
        body: object = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return
    if not isinstance(body, dict):
        return
    fields = cast("dict[str, object]", body)
    entries = fields.get("processes")
    if fields.get("machine") != procfs.boot_id() or not isinstance(entries, list):
        return
    for entry in cast("list[object]", entries):
        match entry:
            case [int(pid), int(start)]:
                yield ProcessIdentity(pid, start)
            case _:
                continue
