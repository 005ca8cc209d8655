"""Changes of the state of connections, as events: the last ones in memory, for any reader.

Owns no task. A reader waits for the next observation and reads on from its own position.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.connector import ConnectionStatus
from xo_cowork_core.services.clock import Clock

ChangeKind: TypeAlias = Literal[
    "connected", "disconnected", "degraded", "needs_reauth", "recovered"
]
MAX_EVENTS = 256
MAX_READERS = 64
CHANGE_KINDS: Sequence[ChangeKind] = (
    "connected",
    "disconnected",
    "degraded",
    "needs_reauth",
    "recovered",
)
RefreshResult: TypeAlias = Literal["ok", "failed"]
REFRESH_RESULTS: Sequence[RefreshResult] = ("ok", "failed")
# by the state after the change; one of `needs_auth` and `disconnected` has no tokens
NEW_KINDS: Mapping[str, ChangeKind] = MappingProxyType(
    {
        "needs_auth": "disconnected",
        "disconnected": "disconnected",
        "degraded": "degraded",
        "needs_reauth": "needs_reauth",
        "connected": "connected",
    }
)
EMPTY_STATES = frozenset({"needs_auth", "disconnected"})


class ConnectionEvent(NamedTuple):
    """One change: what happened, when, the status since then, and the state before."""

    number: int
    kind: ChangeKind
    status: ConnectionStatus
    at: datetime
    before: str


class ConnectionEvents:
    """The changes of all connections of one app, numbered upwards also across restarts.

    `states` has the last state of each connection, `counts` the changes by kind, `refreshes` the
    refreshes by `ok` and `failed`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: deque[ConnectionEvent] = deque(maxlen=MAX_EVENTS)
        self._last_number = self._first_number = int(clock.now().timestamp() * 1000)
        self.states: dict[tuple[str, str], str] = {}
        self._observed = asyncio.Event()
        self._readers = 0
        # how often a connector asked to be exported again without a change of a connection
        self.export_requests = 0
        self.counts: Counter[ChangeKind] = Counter()
        self.refreshes: Counter[RefreshResult] = Counter()

    @property
    def last_number(self) -> int:
        """The number of the newest event, or the one before the first."""
        return self._last_number

    def add_reader(self) -> None:
        """Count a reader. Raises Unavailable when there are too many."""
        if self._readers >= MAX_READERS:
            raise Unavailable("Too many clients read these events.", retry_after=10)
        self._readers += 1

    def remove_reader(self) -> None:
        """Count a reader no longer."""
        self._readers -= 1

    def prime(self, status: ConnectionStatus) -> None:
        """Note the state in which a connection is found at the start."""
        self.states[status.connector, status.connection] = status.state

    def observe(self, status: ConnectionStatus) -> None:
        """Compare a status with the last one, and add an event if its state has changed.

        Readers wake in any case: the tokens may be new. A refresh is no change by itself.
        """
        self._wake()
        if status.state == "refreshing":
            return
        key = (status.connector, status.connection)
        before = self.states.get(key, "needs_auth")
        self.states[key] = status.state
        kind = _kind_of_change(before, status.state)
        if kind is not None:
            self.counts[kind] += 1
            self._last_number += 1
            event = ConnectionEvent(self._last_number, kind, status, self._clock.now(), before)
            self._events.append(event)

    def request_export(self) -> None:
        """Have what connectors export written again."""
        self.export_requests += 1
        self._wake()

    def count_refresh(self, *, succeeded: bool) -> None:
        """Count a refresh that has ended."""
        self.refreshes["ok" if succeeded else "failed"] += 1

    def next_observation(self) -> asyncio.Event:
        """Return what is set when a connection is observed again. Take it before reading."""
        return self._observed

    def _wake(self) -> None:
        observed, self._observed = self._observed, asyncio.Event()
        observed.set()

    def after(self, number: int) -> Sequence[ConnectionEvent] | None:
        """Return the events after `number`; None where some are lost, or never were."""
        if not self._first_number <= number <= self._last_number:
            return None
        if self._last_number - number > len(self._events):
            return None
        return [event for event in self._events if event.number > number]


def _kind_of_change(before: str, after: str) -> ChangeKind | None:
    if before == after or (before in EMPTY_STATES and after in EMPTY_STATES):
        return None
    if before == "needs_reauth" and after in {"connected", "degraded"}:
        return "recovered"
    if before == "degraded" and after == "connected":
        return "recovered"
    if before in EMPTY_STATES and after == "degraded":
        return "connected"
    return NEW_KINDS[after]
