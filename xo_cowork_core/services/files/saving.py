"""Saves texts: whole or not at all, and never over a change that the client has not seen."""

import os
import stat
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, PreconditionFailed, Unavailable
from xo_cowork_core.services.files.etags import etag_of, fits
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.beneath import PathHandle
from xo_cowork_core.storage.drafts import Draft, Staging

LOCKS = 64
LOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Saved:
    """A text that is on disk; `size` in bytes."""

    path: Path
    size: int
    etag: str


class Saving:
    """Saves of one server. Saves of one file follow one another: each is locked by its name."""

    def __init__(self, places: PathResolver, staging: Staging, threads: DiskThreads) -> None:
        self._places = places
        self._staging = staging
        self._threads = threads
        self._locks = tuple(threading.Lock() for _ in range(LOCKS))

    async def save(self, path: str | None, content: object, if_match: str | None = None) -> Saved:
        """Write a text, its folders made when absent.

        `if_match` is the header: the file must still be what its tag says. Raises BadRequest,
        Forbidden, PreconditionFailed or Unavailable; then nothing has changed.
        """
        place = self._places.path(path)
        if content is None:
            raise BadRequest("Missing content")
        if not isinstance(content, str):
            raise BadRequest("Content must be a string")
        return await self._threads.run(self._save, place, content.encode(), if_match)

    def _save(self, path: Path, body: bytes, if_match: str | None) -> Saved:
        with translate_os_errors("The folder is gone"), self._drafted(body) as draft:
            try:
                return self._put(draft, path, body, if_match)
            except IsADirectoryError:
                raise BadRequest("The path is a folder") from None
            except NotADirectoryError:
                raise BadRequest("The path leads through a file") from None
            except FileNotFoundError:
                if if_match is None:
                    raise
                raise _changed() from None

    def _put(self, draft: Draft, path: Path, body: bytes, if_match: str | None) -> Saved:
        # nothing is made for a file that must be there
        with (
            self._places.beneath.spot(path, make_parents=if_match is None) as spot,
            self._locked(spot),
        ):
            found = _checked(spot, if_match)
            if found:
                draft.take_rights(found)
            draft.replace(spot)
            return Saved(spot.path, len(body), etag_of(body))

    @contextmanager
    def _drafted(self, body: bytes) -> Generator[Draft]:
        draft = self._staging.draft()
        try:
            draft.write(body)
            draft.sync()
            yield draft
        finally:
            draft.discard()

    @contextmanager
    def _locked(self, spot: PathHandle) -> Generator[None]:
        folder = os.fstat(spot.folder)
        lock = self._locks[hash((folder.st_dev, folder.st_ino, spot.name)) % LOCKS]
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise Unavailable("Another save of this file still runs", retry_after=1)
        try:
            yield
        finally:
            lock.release()


def _checked(spot: PathHandle, if_match: str | None) -> os.stat_result | None:
    """Look at the file that is about to be replaced; None when there is none."""
    found = spot.stat()
    if found and not stat.S_ISREG(found.st_mode):
        raise BadRequest("The path is not a regular file")
    if if_match is None:
        return found
    if found is None:
        raise _changed()
    with spot.open() as file:
        unchanged = fits(file, if_match)
    if not unchanged or _identity(found) != _identity(spot.stat()):
        raise _changed()
    return found


def _identity(found: os.stat_result | None) -> object:
    return found and (found.st_ino, found.st_size, found.st_mtime_ns)


def _changed() -> PreconditionFailed:
    return PreconditionFailed("The file has changed since it was read")
