"""Reads files of lines that others append to, from where the last look ended.

A last line without a line end is not read yet: its writer may be in the middle of it. Offsets
are bytes, so invalid UTF-8 moves nothing.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 4 << 20
MAX_LINE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """Look at a file. Raises OSError."""
        status = os.stat(path)  # noqa: PTH116  # a hot path: half the time of Path.stat
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(slots=True)
class Tail:
    """Where reading of one file has got to."""

    path: Path
    offset: int = 0

    def batches(self) -> Iterator[list[bytes]]:
        """Yield the complete lines after the offset and move it past each batch.

        A line of more than 64 MiB is passed over. Raises OSError.
        """
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            rest = b""
            while chunk := file.read(CHUNK_BYTES):
                data = rest + chunk
                end = data.rfind(b"\n")
                if end < 0:
                    rest = data if len(data) <= MAX_LINE_BYTES else b""
                    continue
                lines = data[:end].split(b"\n")
                rest = data[end + 1 :]
                self.offset = file.tell() - len(rest)
                yield lines
