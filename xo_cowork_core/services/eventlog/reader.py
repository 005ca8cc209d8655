"""A reader's position in one stream: replay from disk, then from memory, then live.

It owns no task and holds no entries: a slow reader costs nothing but its own position.
"""

import logging
import sqlite3

import orjson

from xo_cowork_core.sdk import AgentError
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of
from xo_cowork_core.services.eventlog.log import EventLog, StoredStream
from xo_cowork_core.services.eventlog.stream import Stream

LOST_ERROR = AgentError("The rest of this turn is lost; fetch the messages again", "internal")
LOST_ENTRY = entry_of(LOST_ERROR.name, orjson.dumps(LOST_ERROR.data("")))
log = logging.getLogger("xo_cowork.eventlog")


class Reader:
    """Reads one stream from after `last_seen` to its terminal entry."""

    def __init__(
        self, log: EventLog, stream_id: str, last_seen: int, source: Stream | StoredStream
    ) -> None:
        self._log = log
        self._stream_id = stream_id
        self._source = source
        self._seen, self._gap = _start_position(source, last_seen)

    async def next(self, timeout: float) -> EventBatch | None:
        """Return the next entries, or None after `timeout` seconds of silence.

        A batch with `gap` set comes after ids that cannot be delivered any more; one with
        `terminal` set is the last.
        """
        if isinstance(self._source, Stream):
            batch = await self._next_live(self._source, timeout)
        else:
            batch = await self._next_stored(self._source)
        if batch is None:
            return None
        if self._gap:
            batch = batch._replace(gap=True)
            self._gap = False
        self._seen = batch.last_id
        return batch

    async def _next_live(self, stream: Stream, timeout: float) -> EventBatch | None:
        if not await stream.wait_for_entries(self._seen, timeout):
            return None
        batch = stream.after(self._seen) or await self._next_on_disk()
        if batch is None:
            # the disk fails and the oldest entries were evicted
            self._gap = True
            self._seen = stream.first_id - 1
            batch = stream.after(self._seen)
        # entries from disk: a terminal one as large as the memory of a stream is among them
        is_end = stream.ended and batch is not None and batch.last_id == stream.last_id
        return batch._replace(terminal=True) if batch and is_end else batch

    async def _next_stored(self, stored: StoredStream) -> EventBatch:
        try:
            batch = await self._next_on_disk()
        except sqlite3.DatabaseError as error:
            log.error("stream %s could not be read: %s", stored.stream_id, error)
            batch = None
        if batch is None and await self._log.stored(stored.stream_id):
            # the entries are damaged on disk; a client without a terminal event would ask for ever
            return EventBatch(max(stored.last_id, 1), [LOST_ENTRY], terminal=True, gap=True)
        if batch is None:
            # the stream was pruned while it was read
            return EventBatch(stored.last_id + 1, (), terminal=True, gap=True)
        return batch._replace(terminal=batch.last_id == stored.last_id)

    async def _next_on_disk(self) -> EventBatch | None:
        batch = await self._log.saved_after(self._stream_id, self._seen)
        if batch is not None and batch.first_id > self._seen + 1:
            return batch._replace(gap=True)
        return batch


async def open_reader(log: EventLog, stream_id: str, last_seen: int) -> Reader | None:
    """Return a reader, or None when there is no such stream."""
    source = log.live(stream_id) or await log.stored(stream_id)
    if isinstance(source, StoredStream) and source.ended_at is None:
        # the stream ended and was saved between the two calls, or its row was stored just now
        source = log.live(stream_id) or await log.stored(stream_id)
    return Reader(log, stream_id, last_seen, source) if source else None


def _start_position(source: Stream | StoredStream, last_seen: int) -> tuple[int, bool]:
    """Return the id to read after, and whether entries that the reader saw are lost here.

    A reader with an id above the last one saw entries that a crash lost. The same may be true for
    an id that was used again for other entries after the restart: such a reader gets
    everything from the restart's first entry on.
    """
    ended = source.ended if isinstance(source, Stream) else source.ended_at is not None
    restart_id = source.restart_id if isinstance(source, StoredStream) else 0
    if restart_id and last_seen >= restart_id:
        return restart_id - 1, True
    if not ended:
        return min(last_seen, source.last_id), last_seen > source.last_id
    # the terminal entry is sent again
    return min(last_seen, source.last_id - 1), last_seen > source.last_id
