"""Describes files of the workspace, uploaded ones and ones that are there already."""

import asyncio
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.sdk.errors import TooLarge
from xo_cowork_core.services.files.etags import hash_of
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import CancelToken, DiskThreads

UNKNOWN_TYPE = "application/octet-stream"
MAX_FILES = 100
MAX_TOTAL_BYTES = 16 << 30
MAX_CONCURRENT = 2


class StoredFile(NamedTuple):
    """A file in the workspace. `content_hash` is its SHA-256 in hex."""

    name: str
    path: Path
    size: int
    mime_type: str
    source: str
    content_hash: str

    @property
    def file_id(self) -> str:
        return self.content_hash[:16]


def mime_type_of(name: str) -> str:
    """Guess a MIME type from a file's name."""
    mime_type, encoding = mimetypes.guess_type(name)
    # `a.tar.gz` is sent packed, so that the type of what it contains would be wrong
    return UNKNOWN_TYPE if encoding or not mime_type else mime_type


class FileDescriber:
    """Describes existing files as if they had been uploaded."""

    def __init__(self, resolver: PathResolver, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._threads = threads
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def describe(self, paths: Sequence[str]) -> Sequence[StoredFile]:
        """Describe each file. Raises BadRequest, Forbidden, NotFound or TooLarge for the first
        that fails."""
        if len(paths) > MAX_FILES:
            raise BadRequest(f"At most {MAX_FILES} files at once")
        resolved = [self._resolver.path(path) for path in paths]
        files: list[StoredFile] = []
        async with self._slots:
            for path in resolved:
                max_bytes = MAX_TOTAL_BYTES - sum(file.size for file in files)
                files.append(await self._threads.run_long(self._describe, path, max_bytes))
        return files

    def _describe(self, token: CancelToken, path: Path, max_bytes: int) -> StoredFile:
        with translate_os_errors(f"File not found: {path.name}", f"Access denied: {path.name}"):
            file, real = self._resolver.fs.open_file(path)
        with file:
            size = file.size
            if size > max_bytes:
                raise TooLarge(f"Files exceed {MAX_TOTAL_BYTES >> 30} GB limit")
            return StoredFile(
                name=real.name,
                path=real,
                size=size,
                mime_type=mime_type_of(real.name),
                source="referenced",
                content_hash=hash_of(file, size, token.check),
            )
