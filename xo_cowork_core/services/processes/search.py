"""What to look for among all processes of the machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from xo_cowork_core.services.processes.marks import (
    NUMBER_BITS,
    PROCESS_VARIABLE,
    STATE_VARIABLE,
    state_part,
    variable,
)


class Identity(NamedTuple):
    """One process for good: a pid comes again, a pid with its start time does not."""

    pid: int
    start: int


class Search(Protocol):
    """Tells whose process one is. `roots` belong to it but are not looked for."""

    @property
    def roots(self) -> frozenset[Identity]: ...

    @property
    def seen(self) -> frozenset[Identity]:
        """Those that were seen below a root at an earlier time."""
        ...

    def has_limit(self, limit: int) -> bool: ...

    def has_environ(self, environ: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Trees:
    """All that was started by the processes `roots`, who carry `limits` and `tags`."""

    roots: frozenset[Identity]
    seen: frozenset[Identity]
    limits: frozenset[int]
    tags: frozenset[str]

    def has_limit(self, limit: int) -> bool:
        return limit in self.limits

    def has_environ(self, environ: bytes) -> bool:
        return variable(environ, PROCESS_VARIABLE) in self.tags


@dataclass(frozen=True, slots=True)
class Leftovers:
    """All that earlier servers on the state folder `state` left behind."""

    state: str
    boot: str
    seen: frozenset[Identity]
    roots: frozenset[Identity] = frozenset()

    def has_limit(self, limit: int) -> bool:
        return limit >> NUMBER_BITS == state_part(self.state)

    def has_environ(self, environ: bytes) -> bool:
        if variable(environ, STATE_VARIABLE) != self.state:
            return False
        return not variable(environ, PROCESS_VARIABLE).startswith(f"{self.boot}.")


def join(trees: Iterable[Trees]) -> Trees:
    """Look for several trees at once: one look costs the same for one tree and for many."""
    found = list(trees)
    return Trees(
        roots=frozenset[Identity]().union(*(tree.roots for tree in found)),
        seen=frozenset[Identity]().union(*(tree.seen for tree in found)),
        limits=frozenset[int]().union(*(tree.limits for tree in found)),
        tags=frozenset[str]().union(*(tree.tags for tree in found)),
    )
