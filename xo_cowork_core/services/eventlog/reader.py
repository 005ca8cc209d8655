"""One reader's place in a stream: replay from disk, then from memory, then live.

It owns no task and holds no entries: a slow reader costs its own place and nothing else.
"""

import logging
import sqlite3
from dataclasses import replace

import orjson

from xo_cowork_core.sdk import AgentError
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of
from xo_cowork_core.services.eventlog.log import EventLog, StoredStream
from xo_cowork_core.services.eventlog.stream import Stream

ENDING = AgentError("The rest of this turn is lost; fetch the messages again", "internal")
LOST = entry_of(ENDING.name, orjson.dumps(ENDING.data("")))
log = logging.getLogger("xo_cowork.eventlog")


class Reader:
    """Reads one stream from after `last_seen` to its terminal entry."""

    def __init__(
        self, log: EventLog, stream_id: str, last_seen: int, source: Stream | StoredStream
    ) -> None:
        self._log = log
        self._stream_id = stream_id
        self._source = source
        self._seen, self._gap = _place(source, last_seen)

    async def next(self, timeout: float) -> EventBatch | None:
        """Return the next entries, or None after `timeout` seconds of silence.

        A block with `gap` set comes after ids that cannot be delivered any more; one with
        `terminal` set is the last.
        """
        if isinstance(self._source, Stream):
            block = await self._next_live(self._source, timeout)
        else:
            block = await self._next_stored(self._source)
        if block is None:
            return None
        if self._gap:
            block = replace(block, gap=True)
            self._gap = False
        self._seen = block.last_id
        return block

    async def _next_live(self, stream: Stream, timeout: float) -> EventBatch | None:
        if not await stream.changed(self._seen, timeout):
            return None
        block = stream.after(self._seen) or await self._from_disk()
        if block is None:
            # on a failing disk the oldest entries were given up
            self._gap = True
            self._seen = stream.first_id - 1
            block = stream.after(self._seen)
        return block

    async def _next_stored(self, stored: StoredStream) -> EventBatch:
        try:
            block = await self._from_disk()
        except sqlite3.DatabaseError as error:
            log.error("stream %s could not be read: %s", stored.stream_id, error)
            block = None
        if block is None and await self._log.stored(stored.stream_id):
            # a damaged disk took its entries; without an end clients would ask for ever
            return EventBatch(max(stored.last_id, 1), [LOST], terminal=True, gap=True)
        if block is None:
            # pruned while it was read: there is no more to come
            return EventBatch(stored.last_id + 1, (), terminal=True, gap=True)
        return replace(block, terminal=block.last_id == stored.last_id)

    async def _from_disk(self) -> EventBatch | None:
        block = await self._log.saved_after(self._stream_id, self._seen)
        if block is not None and block.first_id > self._seen + 1:
            return replace(block, gap=True)
        return block


async def open_reader(log: EventLog, stream_id: str, last_seen: int) -> Reader | None:
    """Return a reader, or None when there is no such stream."""
    source = log.live(stream_id) or await log.stored(stream_id)
    if isinstance(source, StoredStream) and source.ended_at is None:
        # it ended and was saved between the two looks, or is being stored just now
        source = log.live(stream_id) or await log.stored(stream_id)
    return Reader(log, stream_id, last_seen, source) if source else None


def _place(source: Stream | StoredStream, last_seen: int) -> tuple[int, bool]:
    """Return where to read from, and whether what the reader saw was lost here.

    A reader that claims more than there is saw entries that a crash took. So did perhaps one that
    claims an id which the restart after the crash gave: to others' entries, for all we know.
    """
    ended = source.ended if isinstance(source, Stream) else source.ended_at is not None
    cut = source.cut if isinstance(source, StoredStream) else 0
    if cut and last_seen >= cut:
        return cut - 1, True
    if not ended:
        return min(last_seen, source.last_id), last_seen > source.last_id
    return min(last_seen, source.last_id - 1), last_seen > source.last_id
