"""Describes files that are here already, as if they had been uploaded."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, TooLarge
from xo_cowork_core.services.files.etags import hash_of
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.stored import StoredFile, type_of
from xo_cowork_core.services.files.threads import DiskThreads, Stop

MOST_FILES = 100
MOST_BYTES = 16 << 30
AT_ONCE = 2


class Attaching:
    """Attachments of one server."""

    def __init__(self, places: PathResolver, threads: DiskThreads) -> None:
        self._places = places
        self._threads = threads
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def describe(self, paths: Sequence[str]) -> Sequence[StoredFile]:
        """Describe each file. Raises BadRequest, Forbidden, NotFound or TooLarge for the first
        that fails."""
        if len(paths) > MOST_FILES:
            raise BadRequest(f"At most {MOST_FILES} files at once")
        asked = [self._places.path(path) for path in paths]
        found: list[StoredFile] = []
        async with self._turns:
            for path in asked:
                left = MOST_BYTES - sum(file.size for file in found)
                found.append(await self._threads.run_long(self._describe, path, left))
        return found

    def _describe(self, stop: Stop, path: Path, most: int) -> StoredFile:
        with translate_os_errors(f"File not found: {path.name}", f"Access denied: {path.name}"):
            file, real = self._places.beneath.open_file(path)
        with file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise TooLarge(f"Files exceed {MOST_BYTES >> 30} GB limit")
            return StoredFile(
                name=real.name,
                path=real,
                size=size,
                mime_type=type_of(real.name),
                source="referenced",
                content_hash=hash_of(file, size, stop.check),
            )
