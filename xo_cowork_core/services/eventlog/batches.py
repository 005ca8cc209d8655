"""Entries of a stream, and runs of entries in memory and on disk.

An entry is one line: the event's name, a space, its data as one-line JSON in UTF-8. Ids are not
stored: they are contiguous from the batch's `first_id`. A batch on disk is its lines.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Entry: TypeAlias = bytes
BATCH_ENTRIES = 2048
BATCH_BYTES = 256 << 10


class EventBatch(NamedTuple):
    """Entries with contiguous ids from `first_id`; `gap` says that ids before it are lost."""

    first_id: int
    entries: Sequence[Entry]
    terminal: bool = False
    gap: bool = False

    @property
    def last_id(self) -> int:
        return self.first_id + len(self.entries) - 1


def entry_of(name: str, data: bytes) -> Entry:
    """Make an entry. It is a copy of `data` of exactly its size: orjson's own bytes keep the
    4 KiB that it reserved for them."""
    return b"%b %b" % (name.encode(), data)


def split(entry: Entry) -> tuple[str, bytes]:
    """Return an entry's name and data."""
    name, _, data = entry.partition(b" ")
    return name.decode(), data


def pack(entries: Sequence[Entry]) -> bytes:
    """Return the body of a batch on disk."""
    return b"\n".join(entries)


def unpack(body: bytes) -> list[Entry]:
    """Return the entries of a batch's body."""
    return body.split(b"\n")


def take_batch(entries: Sequence[Entry], start: int) -> Sequence[Entry]:
    """Return entries from `start`: at least one where there is one, at most `BATCH_ENTRIES` and
    about `BATCH_BYTES`."""
    batch = entries[start : start + BATCH_ENTRIES]
    size = 0
    for number, entry in enumerate(batch):
        size += len(entry)
        if size > BATCH_BYTES and number:
            return batch[:number]
    return batch
