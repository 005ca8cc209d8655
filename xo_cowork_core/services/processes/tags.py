"""Tags that mark a supervised process and all its descendants.

A tag has two parts, both inherited from parent to child: an environment entry and a resource
limit. The limit is the soft value of RLIMIT_RTTIME, set to a number around 2**62 µs: its effect is
that of no limit, but it survives what the environment does not (`env -i`, a daemon that clears its
environment), and reading it is one cheap system call.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROCESS_VARIABLE = "XO_COWORK_PROCESS"
STATE_VARIABLE = "XO_COWORK_STATE"
NUMBER_BITS = 36
STATE_BITS = 26
# no server starts as many processes
MAX_TAGS = 1 << 20
FLAG = 1 << (NUMBER_BITS + STATE_BITS)


class ProcessTag(NamedTuple):
    """The tag of one process. `value` is `<server id>.<number>`, `limit` the soft limit in µs."""

    value: str
    state: str
    limit: int

    def environment(self) -> Mapping[str, str]:
        return {PROCESS_VARIABLE: self.value, STATE_VARIABLE: self.state}


class ProcessTags:
    """Creates the tags of one server on one state folder. `server_id` is random hexadecimal."""

    def __init__(self, state_dir: Path, server_id: str) -> None:
        self.server_id = server_id
        self.state = hashlib.sha256(bytes(state_dir.resolve())).hexdigest()[:16]
        # a random first number keeps the tags of an earlier server on this folder apart
        self._number = _first_number(server_id)

    def create(self) -> ProcessTag:
        self._number = (self._number + 1) % (1 << NUMBER_BITS)
        limit = (state_bits(self.state) << NUMBER_BITS) | self._number
        return ProcessTag(value=f"{self.server_id}.{self._number}", state=self.state, limit=limit)


def state_bits(state: str) -> int:
    """Return the upper bits, above `NUMBER_BITS`, that all limits of a state folder share."""
    return (FLAG >> NUMBER_BITS) | (int(state, 16) % (1 << STATE_BITS))


def is_limit_of(server_id: str, state: str, limit: int) -> bool:
    """Return whether a limit is that of a tag of this server."""
    if limit >> NUMBER_BITS != state_bits(state):
        return False
    return (limit - _first_number(server_id)) % (1 << NUMBER_BITS) <= MAX_TAGS


def _first_number(server_id: str) -> int:
    return int(server_id[:9], 16)


def environment_value(environ: bytes, name: str) -> str:
    """Return one entry of the text of /proc/<pid>/environ; empty when absent."""
    key = b"\0" + name.encode() + b"="
    _, separator, rest = (b"\0" + environ).partition(key)
    return rest.partition(b"\0")[0].decode(errors="replace") if separator else ""
