"""Describes files that are here already, as if they had been uploaded."""

import os
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.files.etags import hash_of
from xo_cowork_core.services.files.places import Places, refusals
from xo_cowork_core.services.files.stored import StoredFile, type_of
from xo_cowork_core.services.files.threads import DiskThreads

MOST_FILES = 100


class Attaching:
    """Attachments of one server."""

    def __init__(self, places: Places, threads: DiskThreads) -> None:
        self._places = places
        self._threads = threads

    async def describe(self, paths: Sequence[str]) -> Sequence[StoredFile]:
        """Describe each file. Raises BadRequest, Forbidden or NotFound for the first that fails."""
        if len(paths) > MOST_FILES:
            raise BadRequest(f"At most {MOST_FILES} files at once")
        asked = [self._places.path(path) for path in paths]
        return [await self._threads.run(self._describe, path) for path in asked]

    def _describe(self, path: Path) -> StoredFile:
        with refusals(f"File not found: {path.name}", f"Access denied: {path.name}"):
            file, real = self._places.beneath.open_file(path)
        with file:
            return StoredFile(
                name=real.name,
                path=real,
                size=os.fstat(file.fileno()).st_size,
                mime_type=type_of(real.name),
                source="referenced",
                content_hash=hash_of(file),
            )
