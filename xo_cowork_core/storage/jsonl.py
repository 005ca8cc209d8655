"""Reads files of lines that others append to, from the offset where the last read ended.

A last line without a line end is not read: its writer may not have finished it. Offsets are
bytes, so invalid UTF-8 does not shift them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

CHUNK_BYTES = 4 << 20
MAX_LINE_BYTES = 64 << 20
CHECKED_BYTES = 256


class FileFingerprint(NamedTuple):
    """Identifies one state of a file. `changed_ns` is its modification time."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileFingerprint":
        """Return the fingerprint of a file. Raises OSError."""
        status = os.stat(path)  # noqa: PTH116  # a hot path: half the time of Path.stat
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(slots=True)
class Tail:
    """The read position in one file. `last_bytes` are the bytes before `offset`."""

    path: Path
    offset: int = 0
    last_bytes: bytes = b""

    def is_unchanged(self) -> bool:
        """Whether the file still has the same bytes before the offset: False after it was
        truncated or overwritten. Raises OSError."""
        with self.path.open("rb", buffering=0) as file:
            size = len(self.last_bytes)
            return os.pread(file.fileno(), size, self.offset - size) == self.last_bytes

    def batches(self) -> Iterator[list[bytes]]:
        """Yield the complete lines after the offset and move it past each batch.

        A line of more than 64 MiB is skipped. Raises OSError.
        """
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            rest, too_long = b"", False
            while chunk := file.read(CHUNK_BYTES):
                data = rest + chunk
                end = data.rfind(b"\n")
                if end < 0:
                    too_long = too_long or len(data) > MAX_LINE_BYTES
                    rest = b"" if too_long else data
                    continue
                lines = data[:end].split(b"\n")
                rest = data[end + 1 :]
                self.offset = file.tell() - len(rest)
                self.last_bytes = data[max(0, end + 1 - CHECKED_BYTES) : end + 1]
                yield lines[1:] if too_long else lines
                too_long = False
