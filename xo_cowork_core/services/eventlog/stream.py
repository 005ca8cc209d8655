"""The live end of one stream: its newest entries in memory, and who waits for more.

Entries that are safely on disk leave the memory once it holds more than `MEMORY_BYTES`; a
reader that is further behind reads them from disk. A disk that fails makes the memory grow to
`LOST_BYTES`, after which the oldest entries are given up and readers are told of the gap.
"""

import asyncio
from collections.abc import Sequence

from xo_cowork_core.services.eventlog.batches import Entry, EventBatch

MEMORY_BYTES = 1 << 20
UNSAVED_BYTES = 8 << 20
LOST_BYTES = 64 << 20
ENTRY_OVERHEAD_BYTES = 48
BLOCK_ENTRIES = 2048
BLOCK_BYTES = 256 << 10


class Stream:
    """One stream. All methods belong to the event loop's thread."""

    def __init__(self, stream_id: str, *, last_id: int = 0) -> None:
        self.stream_id = stream_id
        self.last_id = last_id
        self.saved_id = last_id
        self.ended = False
        self._entries: list[Entry] = []
        self._bytes = 0
        self._unsaved = 0
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def first_id(self) -> int:
        """The id of the oldest entry in memory; `last_id + 1` when there is none."""
        return self.last_id - len(self._entries) + 1

    @property
    def full(self) -> bool:
        """More is waiting for the disk than a producer should run ahead."""
        return self._unsaved > UNSAVED_BYTES

    def append(self, entry: Entry, *, terminal: bool = False) -> None:
        """Number an entry and wake the readers."""
        self._entries.append(entry)
        self.last_id += 1
        size = len(entry) + ENTRY_OVERHEAD_BYTES
        self._bytes += size
        self._unsaved += size
        self.ended = terminal
        if self._waiters:
            self._wake()

    def after(self, last_seen: int) -> EventBatch | None:
        """Return the next entries after id `last_seen`; None when memory no longer has them."""
        start = last_seen - self.first_id + 1
        if start < 0:
            return None
        entries = cut(self._entries, start)
        reached = last_seen + len(entries)
        return EventBatch(last_seen + 1, entries, terminal=self.ended and reached == self.last_id)

    def unsaved(self) -> EventBatch:
        """Return what is not on disk yet."""
        first = max(self.saved_id + 1, self.first_id)
        return EventBatch(first, self._entries[first - self.first_id :], terminal=self.ended)

    def saved(self, block: EventBatch) -> None:
        """Note that `block` is on disk, and let go of what memory need not hold."""
        self.saved_id = block.last_id
        size = sum(len(entry) + ENTRY_OVERHEAD_BYTES for entry in block.entries)
        self._unsaved = max(0, self._unsaved - size)
        self._shrink(MEMORY_BYTES, up_to=self.saved_id)

    def evict_oldest(self) -> bool:
        """With a failing disk: drop the oldest entries over `LOST_BYTES`; True if any went."""
        before = len(self._entries)
        self._shrink(LOST_BYTES, up_to=self.last_id)
        self._unsaved = min(self._unsaved, self._bytes)
        return len(self._entries) < before

    async def changed(self, last_seen: int, timeout: float) -> bool:
        """Wait until there is an entry after `last_seen`, at most `timeout` seconds."""
        if self.last_id > last_seen:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        timer = asyncio.get_running_loop().call_later(timeout, _settle, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self.last_id > last_seen

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _settle(waiter)

    def _shrink(self, limit: int, *, up_to: int) -> None:
        excess = self._bytes - limit
        if excess <= 0:
            return
        most = min(len(self._entries), up_to - self.first_id + 1)
        count = 0
        while excess > 0 and count < most:
            size = len(self._entries[count]) + ENTRY_OVERHEAD_BYTES
            excess -= size
            self._bytes -= size
            count += 1
        del self._entries[:count]


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def cut(entries: Sequence[Entry], start: int) -> Sequence[Entry]:
    """Take entries from `start`: at least one where there is one, at most a block's worth."""
    taken = entries[start : start + BLOCK_ENTRIES]
    size = 0
    for number, entry in enumerate(taken):
        size += len(entry)
        if size > BLOCK_BYTES and number:
            return taken[:number]
    return taken
