"""Reads files: text at once, bytes piece by piece."""

import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xo_cowork_core.sdk import TooLarge
from xo_cowork_core.services.files.etags import etag_of
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.threads import DiskThreads

MOST_TEXT_BYTES = 10 << 20
CHUNK_BYTES = 3 << 16  # a multiple of 3, so that pieces can be put in base64 one by one
MISSING = "File not found"


@dataclass(frozen=True, slots=True)
class Text:
    """A text file; bytes that are no UTF-8 are replaced."""

    path: Path
    content: str
    etag: str


class OpenedFile:
    """A file that is open for sending; `size` is what it was when it was opened."""

    def __init__(self, file: BinaryIO, path: Path, threads: DiskThreads) -> None:
        self.path = path
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._threads = threads

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield `size` bytes, fewer only when the file was cut meanwhile."""
        left = self.size
        while left and (piece := await self._threads.run(self._file.read, min(left, CHUNK_BYTES))):
            left -= len(piece)
            yield piece

    async def close(self) -> None:
        """Close it."""
        await self._threads.run(self._file.close)


class Reading:
    """Reads of one server."""

    def __init__(self, places: PathResolver, threads: DiskThreads) -> None:
        self._places = places
        self._threads = threads

    async def text(self, path: str | None) -> Text:
        """Return a text file. Raises BadRequest, Forbidden, NotFound or TooLarge."""
        return await self._threads.run(self._text, self._places.path(path))

    async def open(self, path: str | None) -> OpenedFile:
        """Open a file for sending; the caller closes it. Raises as `text`, but for the size."""
        return await self._threads.run(self._open, self._places.path(path))

    def _text(self, path: Path) -> Text:
        with translate_os_errors(MISSING):
            file, real = self._places.beneath.open_file(path)
            with file:
                body = file.read(MOST_TEXT_BYTES + 1)
        if len(body) > MOST_TEXT_BYTES:
            raise TooLarge("File exceeds 10 MB limit")
        return Text(real, body.decode("utf-8", "replace"), etag_of(body))

    def _open(self, path: Path) -> OpenedFile:
        with translate_os_errors(MISSING):
            file, real = self._places.beneath.open_file(path)
        return OpenedFile(file, real, self._threads)
