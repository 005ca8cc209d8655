"""Numbered entries of a stream and how a run of them lies on disk.

On disk a block is one line an entry: the event's name, a space, its one-line JSON. Ids are not
stored: they are contiguous from the block's `first_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Entry(NamedTuple):
    """One event: its name and its data as one line of JSON in UTF-8."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Entries with contiguous ids from `first_id`; `gap` says that ids before it are lost."""

    first_id: int
    entries: Sequence[Entry]
    terminal: bool = False
    gap: bool = False

    @property
    def last_id(self) -> int:
        return self.first_id + len(self.entries) - 1


def pack(entries: Sequence[Entry]) -> bytes:
    """Return the body of a block on disk."""
    return b"\n".join([name.encode() + b" " + data for name, data in entries])


def unpack(body: bytes) -> list[Entry]:
    """Read a block's body."""
    pairs = (line.partition(b" ") for line in body.split(b"\n"))
    return [Entry(name.decode(), data) for name, _, data in pairs]
