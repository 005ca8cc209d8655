"""What to look for among all processes of the machine."""

from collections.abc import Callable, Iterable
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

    @property
    def apart(self) -> frozenset[int]:
        """Pids that never belong to it."""
        ...

    def claims(self, limit: int, environ: Callable[[], bytes]) -> bool:
        """Say so of a process with this limit; reading its environment costs more, so it is read
        only when asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Trees:
    """All that was started by the processes `roots`, who carry `limits` and `tags`."""

    roots: frozenset[Identity]
    seen: frozenset[Identity]
    limits: frozenset[int]
    tags: frozenset[str]
    apart: frozenset[int] = frozenset()

    def claims(self, limit: int, environ: Callable[[], bytes]) -> bool:
        return limit in self.limits or variable(environ(), PROCESS_VARIABLE) in self.tags


@dataclass(frozen=True, slots=True)
class Branch:
    """Of what `tree` started, those whose environment has an entry `name=value`, or with an empty
    value no such entry; and what they started."""

    tree: Trees
    name: str
    value: str
    seen: frozenset[Identity] = frozenset()
    roots: frozenset[Identity] = frozenset()

    @property
    def apart(self) -> frozenset[int]:
        return frozenset(root.pid for root in self.tree.roots)

    def claims(self, limit: int, environ: Callable[[], bytes]) -> bool:
        return self.tree.claims(limit, environ) and variable(environ(), self.name) == self.value


@dataclass(frozen=True, slots=True)
class Leftovers:
    """All that earlier servers on the state folder `state` left behind."""

    state: str
    boot: str
    seen: frozenset[Identity]
    roots: frozenset[Identity] = frozenset()
    apart: frozenset[int] = frozenset()

    def claims(self, limit: int, environ: Callable[[], bytes]) -> bool:
        if limit >> NUMBER_BITS == state_part(self.state):
            return True
        marks = environ()
        if variable(marks, STATE_VARIABLE) != self.state:
            return False
        return not variable(marks, PROCESS_VARIABLE).startswith(f"{self.boot}.")


def join(trees: Iterable[Trees]) -> Trees:
    """Look for several trees at once: one look costs the same for one tree and for many."""
    found = list(trees)
    return Trees(
        roots=frozenset[Identity]().union(*(tree.roots for tree in found)),
        seen=frozenset[Identity]().union(*(tree.seen for tree in found)),
        limits=frozenset[int]().union(*(tree.limits for tree in found)),
        tags=frozenset[str]().union(*(tree.tags for tree in found)),
    )
