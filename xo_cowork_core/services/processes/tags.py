"""How a supervised process and all that it starts are recognised, whatever they do.

Two marks are inherited from parent to child: an environment entry, and a resource limit. The
limit is RLIMIT_RTTIME, soft value, set to a number around 2**62 µs: no different from none in its
effect, but it survives what the environment does not (`env -i`, a daemon that cleans up after
itself), and reading it is one cheap system call.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROCESS_VARIABLE = "XO_COWORK_PROCESS"
STATE_VARIABLE = "XO_COWORK_STATE"
NUMBER_BITS = 36
STATE_BITS = 26
FLAG = 1 << (NUMBER_BITS + STATE_BITS)


@dataclass(frozen=True, slots=True)
class ProcessTag:
    """The marks of one process. `tag` is `<server boot id>.<number>`, `limit` the soft limit."""

    tag: str
    state: str
    limit: int

    def environment(self) -> Mapping[str, str]:
        return {PROCESS_VARIABLE: self.tag, STATE_VARIABLE: self.state}


class ProcessTags:
    """Makes the marks of one server on one state folder. `boot` is hexadecimal and random."""

    def __init__(self, state_dir: Path, boot: str) -> None:
        self.boot = boot
        self.state = hashlib.sha256(bytes(state_dir.resolve())).hexdigest()[:16]
        # A random first number keeps those of an earlier server on this folder apart.
        self._number = int(boot[:9], 16)

    def make(self) -> ProcessTag:
        self._number = (self._number + 1) % (1 << NUMBER_BITS)
        limit = (state_part(self.state) << NUMBER_BITS) | self._number
        return ProcessTag(tag=f"{self.boot}.{self._number}", state=self.state, limit=limit)


def state_part(state: str) -> int:
    """Return what the limits of all processes on a state folder share, above `NUMBER_BITS`."""
    return (FLAG >> NUMBER_BITS) | (int(state, 16) % (1 << STATE_BITS))


def variable(environ: bytes, name: str) -> str:
    """Find one entry in the text of /proc/<pid>/environ; empty when it is absent."""
    key = b"\0" + name.encode() + b"="
    _, found, rest = (b"\0" + environ).partition(key)
    return rest.partition(b"\0")[0].decode(errors="replace") if found else ""
