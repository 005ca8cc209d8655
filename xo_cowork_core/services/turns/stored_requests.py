"""Requests of a turn that has ended, read from its stored events."""

import orjson

from xo_cowork_core.services.eventlog.batches import split
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.turns.interactions import REQUEST_EVENTS

READ_SECONDS = 5.0


async def find_request(eventlog: EventLog, stream_id: str, call_id: str) -> bool | None:
    """Return whether the stream made the request `call_id`; None when there is no such stream."""
    reader = await open_reader(eventlog, stream_id, 0)
    if reader is None:
        return None
    while batch := await reader.next(READ_SECONDS):
        for name, data in map(split, batch.entries):
            if name in REQUEST_EVENTS and orjson.loads(data)["call_id"] == call_id:
                return True
        if batch.terminal:
            break
    return False
