"""Changes of connections for one client: the state of all of them first, then each change."""

import asyncio
from collections.abc import Callable, Sequence

import orjson

from xo_cowork_core.api.connectors import schemas, serializers
from xo_cowork_core.sdk.connector import ConnectionStatus
from xo_cowork_core.services.connectors.events import ConnectionEvent, ConnectionEvents
from xo_cowork_core.services.eventlog.batches import Entry, EventBatch, entry_of

SNAPSHOT_EVENT = "connections"
CHANGE_EVENT = "connection"


class ConnectionEventReader:
    """Reads on after `last_seen`. A client that missed events gets the state of all again.

    It owns no task and holds no events.
    """

    def __init__(
        self,
        events: ConnectionEvents,
        statuses: Callable[[], Sequence[ConnectionStatus]],
        last_seen: int,
    ) -> None:
        self._events = events
        self._statuses = statuses
        self._last_seen = last_seen

    async def next(self, timeout: float) -> EventBatch | None:
        """Return the next events, or None after `timeout` seconds of silence."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    # taken before the events, so that none is missed between the two
                    observed = self._events.next_observation()
                    if batch := self._read():
                        self._last_seen = batch.last_id
                        return batch
                    await observed.wait()
        except TimeoutError:
            return None

    def _read(self) -> EventBatch | None:
        events = self._events.after(self._last_seen)
        if events is None:
            snapshot = _snapshot_entry(self._statuses())
            return EventBatch(self._events.last_number, [snapshot])
        if not events:
            return None
        return EventBatch(events[0].number, [_change_entry(event) for event in events])


def _snapshot_entry(statuses: Sequence[ConnectionStatus]) -> Entry:
    rows = [serializers.connection_state(status) for status in statuses]
    return entry_of(SNAPSHOT_EVENT, orjson.dumps({"connections": rows}))


def _change_entry(event: ConnectionEvent) -> Entry:
    change = schemas.ConnectionChange(
        type=event.kind,
        at=event.at.isoformat(timespec="seconds"),
        **serializers.connection_state(event.status),
    )
    return entry_of(CHANGE_EVENT, orjson.dumps(change))
