"""Reads files: a text at once, bytes in chunks."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.services.files.etags import etag_of
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.folder_handle import RegularFile

MAX_TEXT_BYTES = 10 << 20
CHUNK_BYTES = 3 << 16  # a multiple of 3, so that each chunk can be encoded in base64 by itself
NOT_FOUND = "File not found"


class TextFile(NamedTuple):
    """A text file's content; bytes that are not UTF-8 are replaced."""

    path: Path
    content: str
    etag: str


class OpenFile:
    """A file that is open for sending; `size` is what it was when it was opened."""

    def __init__(self, file: RegularFile, path: Path, threads: DiskThreads) -> None:
        self.path = path
        self.size = file.size
        self._file = file
        self._threads = threads

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield `size` bytes, fewer only when the file was truncated meanwhile."""
        rest = self.size
        while rest and (chunk := await self._threads.run(self._file.read, min(rest, CHUNK_BYTES))):
            rest -= len(chunk)
            yield chunk

    async def close(self) -> None:
        """Close the file."""
        await self._threads.run(self._file.close)


class FileReader:
    """Reads files for clients."""

    def __init__(self, resolver: PathResolver, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._threads = threads

    async def read_text(self, path: str | None) -> TextFile:
        """Return a text file. Raises BadRequest, Forbidden, NotFound or TooLarge."""
        return await self._threads.run(self._read_text, self._resolver.path(path))

    async def open(self, path: str | None) -> OpenFile:
        """Open a file for sending; the caller closes it.

        Raises BadRequest, Forbidden or NotFound.
        """
        return await self._threads.run(self._open, self._resolver.path(path))

    def _read_text(self, path: Path) -> TextFile:
        with translate_os_errors(NOT_FOUND):
            file, real = self._resolver.fs.open_file(path)
            with file:
                content = file.read(MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            raise TooLarge("File exceeds 10 MB limit")
        return TextFile(real, content.decode("utf-8", "replace"), etag_of(content))

    def _open(self, path: Path) -> OpenFile:
        with translate_os_errors(NOT_FOUND):
            file, real = self._resolver.fs.open_file(path)
        return OpenFile(file, real, self._threads)
