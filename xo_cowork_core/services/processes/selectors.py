"""Selectors: which of the machine's processes belong to a supervised process, job or server.

`watcher_program` imports this without site-packages: the standard library and `tags` alone.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from xo_cowork_core.services.processes.tags import (
    NUMBER_BITS,
    PROCESS_VARIABLE,
    STATE_VARIABLE,
    environment_value,
    is_limit_of,
    state_bits,
)


class ProcessIdentity(NamedTuple):
    """A pid with its start time in clock ticks: pids are reused, identities are not."""

    pid: int
    start: int


class ProcessView(Protocol):
    """A process that a selector examines. The methods read the process when they are called."""

    @property
    def start(self) -> int:
        """The start time in ticks of the machine's clock."""
        ...

    def limit(self) -> int: ...
    def environ(self) -> bytes: ...
    def cwd(self) -> str: ...

    def ancestors(self) -> "Iterable[ProcessView]":
        """Yield the ancestors, the nearest first, then the leader of the session."""
        ...


class ProcessSelector(Protocol):
    """Selects processes. `roots` are the supervised processes and are not selected themselves."""

    @property
    def roots(self) -> frozenset[ProcessIdentity]: ...

    @property
    def known(self) -> frozenset[ProcessIdentity]:
        """Processes that were descendants of a root at an earlier time."""
        ...

    @property
    def excluded(self) -> frozenset[int]:
        """Pids that are never selected."""
        ...

    @property
    def limits(self) -> frozenset[int]:
        """Limits that only selected processes have: a zombie has a limit but no environment."""
        ...

    def matches(self, process: ProcessView) -> bool:
        """Return whether a process is selected. Its limit is the cheapest value to read."""
        ...


class TreeSelector(NamedTuple):
    """Everything that the `roots` started; they carry the tags with `limits` and `tag_values`."""

    roots: frozenset[ProcessIdentity]
    known: frozenset[ProcessIdentity]
    limits: frozenset[int]
    tag_values: frozenset[str]
    excluded: frozenset[int] = frozenset()

    def matches(self, process: ProcessView) -> bool:
        if process.limit() in self.limits:
            return True
        return environment_value(process.environ(), PROCESS_VARIABLE) in self.tag_values


class BranchSelector(NamedTuple):
    """The part of `tree` whose environment has the entry `name=value`, and its descendants.

    An empty `value` selects processes without such an entry.
    """

    tree: TreeSelector
    name: str
    value: str
    known: frozenset[ProcessIdentity] = frozenset()
    roots: frozenset[ProcessIdentity] = frozenset()

    @property
    def excluded(self) -> frozenset[int]:
        return frozenset(root.pid for root in self.tree.roots)

    @property
    def limits(self) -> frozenset[int]:
        return self.tree.limits

    def matches(self, process: ProcessView) -> bool:
        if not self.tree.matches(process):
            return False
        return environment_value(process.environ(), self.name) == self.value


class StraySelector(NamedTuple):
    """What a program that this server did not start left running.

    Selects processes with these `entries` in their environment that started at the tick `since`
    or later, before the tick `until` unless it is None, and, when `folder` is not empty, work in
    it; and their descendants. A descendant of an older process with the entries is not selected.
    """

    entries: Mapping[str, str]
    since: int
    until: int | None = None
    folder: str = ""
    known: frozenset[ProcessIdentity] = frozenset()
    roots: frozenset[ProcessIdentity] = frozenset()
    excluded: frozenset[int] = frozenset()
    limits: frozenset[int] = frozenset()

    def matches(self, process: ProcessView) -> bool:
        return (
            process.start >= self.since
            and (self.until is None or process.start < self.until)
            and self._has_entries(process)
            and self._works_in_folder(process)
            and not any(
                self._has_entries(ancestor)
                for ancestor in process.ancestors()
                if ancestor.start < self.since
            )
        )

    def _has_entries(self, process: ProcessView) -> bool:
        environ = process.environ()
        return all(
            environment_value(environ, name) == value for name, value in self.entries.items()
        )

    def _works_in_folder(self, process: ProcessView) -> bool:
        if not self.folder:
            return True
        # a daemon changes to `/` but keeps PWD, the folder that it came from
        paths = (process.cwd(), environment_value(process.environ(), "PWD"))
        return any(_is_within(path, self.folder) for path in paths)


class LeftoverSelector(NamedTuple):
    """Everything that earlier servers on the state folder `state` left running."""

    state: str
    server_id: str
    known: frozenset[ProcessIdentity]
    roots: frozenset[ProcessIdentity] = frozenset()
    excluded: frozenset[int] = frozenset()
    limits: frozenset[int] = frozenset()

    def matches(self, process: ProcessView) -> bool:
        if process.limit() >> NUMBER_BITS == state_bits(self.state):
            return True
        environ = process.environ()
        if environment_value(environ, STATE_VARIABLE) != self.state:
            return False
        return not environment_value(environ, PROCESS_VARIABLE).startswith(f"{self.server_id}.")


class ServerSelector(NamedTuple):
    """Everything that one server on the state folder `state` started, and that no other did."""

    state: str
    server_id: str
    known: frozenset[ProcessIdentity]
    roots: frozenset[ProcessIdentity] = frozenset()
    excluded: frozenset[int] = frozenset()
    limits: frozenset[int] = frozenset()

    def matches(self, process: ProcessView) -> bool:
        if is_limit_of(self.server_id, self.state, process.limit()):
            return True
        value = environment_value(process.environ(), PROCESS_VARIABLE)
        return value.startswith(f"{self.server_id}.")


def merge_trees(trees: Iterable[TreeSelector]) -> TreeSelector:
    """Return one selector for several trees: a scan costs the same for one and for many."""
    selectors = list(trees)
    return TreeSelector(
        roots=frozenset[ProcessIdentity]().union(*(each.roots for each in selectors)),
        known=frozenset[ProcessIdentity]().union(*(each.known for each in selectors)),
        limits=frozenset[int]().union(*(each.limits for each in selectors)),
        tag_values=frozenset[str]().union(*(each.tag_values for each in selectors)),
    )


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")
