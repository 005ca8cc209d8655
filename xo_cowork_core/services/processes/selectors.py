"""What to look for among all processes of the machine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from xo_cowork_core.services.processes.tags import (
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


class Candidate(Protocol):
    """A process that may be looked for. What the methods tell is read when they are called."""

    @property
    def start(self) -> int:
        """When it began, in ticks of the machine's clock."""
        ...

    def limit(self) -> int: ...
    def environ(self) -> bytes: ...
    def cwd(self) -> str: ...

    def ancestors(self) -> "Iterable[Candidate]":
        """Its ancestors, the nearest first, and the leader of its session."""
        ...


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

    @property
    def limits(self) -> frozenset[int]:
        """Limits that nothing else carries: who is dead has no environment, but still a limit."""
        ...

    def claims(self, who: Candidate) -> bool:
        """Say so of a process. Its limit is the cheapest thing to ask for."""
        ...


@dataclass(frozen=True, slots=True)
class TreesSelector:
    """All that was started by the processes `roots`, who carry `limits` and `tags`."""

    roots: frozenset[Identity]
    seen: frozenset[Identity]
    limits: frozenset[int]
    tags: frozenset[str]
    apart: frozenset[int] = frozenset()

    def claims(self, who: Candidate) -> bool:
        return who.limit() in self.limits or variable(who.environ(), PROCESS_VARIABLE) in self.tags


@dataclass(frozen=True, slots=True)
class BranchSelector:
    """Of what `tree` started, those whose environment has an entry `name=value`, or with an empty
    value no such entry; and what they started."""

    tree: TreesSelector
    name: str
    value: str
    seen: frozenset[Identity] = frozenset()
    roots: frozenset[Identity] = frozenset()

    @property
    def apart(self) -> frozenset[int]:
        return frozenset(root.pid for root in self.tree.roots)

    @property
    def limits(self) -> frozenset[int]:
        return self.tree.limits

    def claims(self, who: Candidate) -> bool:
        return self.tree.claims(who) and variable(who.environ(), self.name) == self.value


@dataclass(frozen=True, slots=True)
class StraysSelector:
    """What a program that wasn't started here left behind: all with these `entries` in their
    environment that began at the tick `since` or later and, if `folder` isn't empty, work in it;
    and what they started. Nothing that an older process with the entries started."""

    entries: Mapping[str, str]
    since: int
    folder: str = ""
    seen: frozenset[Identity] = frozenset()
    roots: frozenset[Identity] = frozenset()
    apart: frozenset[int] = frozenset()
    limits: frozenset[int] = frozenset()

    def claims(self, who: Candidate) -> bool:
        return (
            who.start >= self.since
            and self._marked(who)
            and self._works_here(who)
            and not any(self._marked(old) for old in who.ancestors() if old.start < self.since)
        )

    def _marked(self, who: Candidate) -> bool:
        environ = who.environ()
        return all(variable(environ, name) == value for name, value in self.entries.items())

    def _works_here(self, who: Candidate) -> bool:
        # a daemon goes to `/`, and keeps telling in its environment where it came from
        places = (who.cwd(), variable(who.environ(), "PWD")) if self.folder else ()
        return not self.folder or any(_within(place, self.folder) for place in places)


@dataclass(frozen=True, slots=True)
class LeftoversSelector:
    """All that earlier servers on the state folder `state` left behind."""

    state: str
    boot: str
    seen: frozenset[Identity]
    roots: frozenset[Identity] = frozenset()
    apart: frozenset[int] = frozenset()
    limits: frozenset[int] = frozenset()

    def claims(self, who: Candidate) -> bool:
        if who.limit() >> NUMBER_BITS == state_part(self.state):
            return True
        marks = who.environ()
        if variable(marks, STATE_VARIABLE) != self.state:
            return False
        return not variable(marks, PROCESS_VARIABLE).startswith(f"{self.boot}.")


def join(trees: Iterable[TreesSelector]) -> TreesSelector:
    """Look for several trees at once: one look costs the same for one tree and for many."""
    found = list(trees)
    return TreesSelector(
        roots=frozenset[Identity]().union(*(tree.roots for tree in found)),
        seen=frozenset[Identity]().union(*(tree.seen for tree in found)),
        limits=frozenset[int]().union(*(tree.limits for tree in found)),
        tags=frozenset[str]().union(*(tree.tags for tree in found)),
    )


def _within(place: str, folder: str) -> bool:
    return f"{place}/".startswith(f"{folder.rstrip('/')}/")
