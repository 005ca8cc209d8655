"""The live end of one stream: its newest entries in memory and the readers that wait for more.

Entries that are on disk leave the memory once it holds more than `MEMORY_BYTES`; a reader that is
further behind reads them from disk. While the disk fails the memory grows to `LOST_BYTES`; then
the oldest entries are evicted, and the next batch of each reader reports the gap.
"""

import asyncio

from xo_cowork_core.services.eventlog.batches import Entry, EventBatch, take_batch

MEMORY_BYTES = 1 << 20
UNSAVED_BYTES = 8 << 20
LOST_BYTES = 64 << 20
ENTRY_OVERHEAD_BYTES = 48


class Stream:
    """One stream. All methods belong to the event loop's thread."""

    def __init__(self, stream_id: str, *, last_id: int = 0) -> None:
        self.stream_id = stream_id
        self.last_id = last_id
        self.saved_id = last_id
        self.ended = False
        self._is_end_visible = False
        self._entries: list[Entry] = []
        self._bytes = 0
        self._unsaved_bytes = 0
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def first_id(self) -> int:
        """The id of the oldest entry in memory; `last_id + 1` when there is none."""
        return self.last_id - len(self._entries) + 1

    @property
    def visible_id(self) -> int:
        """The id of the last entry that readers get."""
        return self.last_id - (self.ended and not self._is_end_visible)

    @property
    def full(self) -> bool:
        """Whether so much is unsaved that a producer should wait."""
        return self._unsaved_bytes > UNSAVED_BYTES

    def append(self, entry: Entry, *, terminal: bool = False) -> None:
        """Number an entry and wake the readers. A terminal one waits for `show_end`."""
        self._entries.append(entry)
        self.last_id += 1
        size = len(entry) + ENTRY_OVERHEAD_BYTES
        self._bytes += size
        self._unsaved_bytes += size
        self.ended = terminal
        if self._waiters and not terminal:
            self._wake()

    def show_end(self) -> None:
        """Give the terminal entry to the readers."""
        self._is_end_visible = True
        self._wake()

    def after(self, last_seen: int) -> EventBatch | None:
        """Return the next entries after id `last_seen`; None when memory no longer has them."""
        start = last_seen - self.first_id + 1
        if start < 0:
            return None
        entries = take_batch(self._entries, start)
        last_id = last_seen + len(entries)
        if last_id > self.visible_id:
            entries, last_id = entries[:-1], last_id - 1
        return EventBatch(last_seen + 1, entries, terminal=self.ended and last_id == self.last_id)

    def unsaved(self) -> EventBatch:
        """Return the entries that are not on disk yet."""
        first_id = max(self.saved_id + 1, self.first_id)
        entries = self._entries[first_id - self.first_id :]
        return EventBatch(first_id, entries, terminal=self.ended)

    def mark_saved(self, batch: EventBatch) -> None:
        """Note that `batch` is on disk, and drop saved entries over `MEMORY_BYTES`."""
        self.saved_id = batch.last_id
        size = sum(len(entry) + ENTRY_OVERHEAD_BYTES for entry in batch.entries)
        self._unsaved_bytes = max(0, self._unsaved_bytes - size)
        self._evict(MEMORY_BYTES, up_to=self.saved_id)

    def evict_oldest(self) -> None:
        """Drop the oldest entries over `LOST_BYTES`, saved or not: the disk fails."""
        self._evict(LOST_BYTES, up_to=self.last_id)
        self._unsaved_bytes = min(self._unsaved_bytes, self._bytes)

    async def wait_for_entries(self, last_seen: int, timeout: float) -> bool:
        """Wait at most `timeout` seconds for an entry after `last_seen`; False when none came."""
        if self.visible_id > last_seen:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        timer = asyncio.get_running_loop().call_later(timeout, _wake_waiter, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self.visible_id > last_seen

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _wake_waiter(waiter)

    def _evict(self, limit: int, *, up_to: int) -> None:
        """Drop entries from the oldest to id `up_to` until at most `limit` bytes are left."""
        excess = self._bytes - limit
        if excess <= 0:
            return
        evictable = min(len(self._entries), up_to - self.first_id + 1)
        count = 0
        while excess > 0 and count < evictable:
            size = len(self._entries[count]) + ENTRY_OVERHEAD_BYTES
            excess -= size
            self._bytes -= size
            count += 1
        del self._entries[:count]


def _wake_waiter(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
