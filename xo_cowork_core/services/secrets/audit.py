"""The audit log of secrets: who saw or changed which keys, and when. It never has a value."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple, TypeAlias

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.state_folder import make_private_folder

MAX_FILE_BYTES = 1 << 20
OLD_FILES = 3
# a line names the first keys of a large file, and says how many there are
MAX_KEYS = 200
MAX_TEXT_CHARACTERS = 200
Action: TypeAlias = Literal["reveal", "set", "delete", "replace", "refused"]


class Caller(NamedTuple):
    """Who sent a request: its route, the address of the peer, and the browser's origin."""

    route: str
    address: str = ""
    origin: str | None = None


class AuditEntry(NamedTuple):
    """What one line of the log says."""

    caller: Caller
    action: Action
    env_file: Path | None = None
    keys: Sequence[str] = ()


class SecretAudit:
    """A file of JSON lines, mode 0600; full files are renamed, the oldest is deleted.

    Used by several threads.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self.file = file
        self._clock = clock
        self._lock = Lock()

    def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append a line for each entry. Blocks.

        Raises Unavailable: what cannot be recorded must not happen.
        """
        time = stamp(self._clock.now())
        lines = b"".join(json.dumps(_line(entry, time)).encode() + b"\n" for entry in entries)
        try:
            with self._lock:
                self._append(lines)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"The audit log cannot be written: {reason}") from None

    def _append(self, lines: bytes) -> None:
        make_private_folder(self.file.parent)
        if self.file.exists() and self.file.stat().st_size + len(lines) > MAX_FILE_BYTES:
            self._rotate()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.file, flags, 0o600), "wb", buffering=0) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(lines)

    def _rotate(self) -> None:
        names = [
            self.file,
            *(self.file.with_name(f"{self.file.name}.{n + 1}") for n in range(OLD_FILES)),
        ]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)


def _line(entry: AuditEntry, time: str) -> Mapping[str, object]:
    origin = entry.caller.origin
    return {
        "time": time,
        "action": entry.action,
        "route": entry.caller.route[:MAX_TEXT_CHARACTERS],
        "address": entry.caller.address,
        "origin": origin[:MAX_TEXT_CHARACTERS] if origin else None,
        "env_file": str(entry.env_file) if entry.env_file else None,
        "keys": [key[:MAX_TEXT_CHARACTERS] for key in entry.keys[:MAX_KEYS]],
        "key_count": len(entry.keys),
    }
