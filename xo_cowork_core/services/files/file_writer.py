"""Saves text files: whole or not at all, and never over a change that the client has not read."""

import os
import stat
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest, Unavailable
from xo_cowork_core.sdk.errors import PreconditionFailed
from xo_cowork_core.services.files.etags import etag_of, matches
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.rooted_fs import PathHandle
from xo_cowork_core.storage.staging import StagedFile, StagingArea

LOCKS = 64
LOCK_SECONDS = 10.0


class SavedFile(NamedTuple):
    """A text that is on disk; `size` in bytes."""

    path: Path
    size: int
    etag: str


class FileWriter:
    """Saves text files for clients; saves of one file run one after the other."""

    def __init__(self, resolver: PathResolver, staging: StagingArea, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._staging = staging
        self._threads = threads
        # a file's lock is chosen by a hash of its folder and name
        self._locks = tuple(threading.Lock() for _ in range(LOCKS))

    async def save(
        self, path: str | None, content: object, if_match: str | None = None
    ) -> SavedFile:
        """Write a text; its folders are created when absent.

        With `if_match`, the value of that header, the file must exist and have one of its tags.
        Raises BadRequest, Forbidden, PreconditionFailed or Unavailable; then nothing has changed.
        """
        resolved = self._resolver.path(path)
        if content is None:
            raise BadRequest("Missing content")
        if not isinstance(content, str):
            raise BadRequest("Content must be a string")
        return await self._threads.run(self._save, resolved, content.encode(), if_match)

    def _save(self, path: Path, content: bytes, if_match: str | None) -> SavedFile:
        with translate_os_errors("The folder is gone"), self._staged(content) as staged:
            try:
                return self._place(staged, path, content, if_match)
            except IsADirectoryError:
                raise BadRequest("The path is a folder") from None
            except NotADirectoryError:
                raise BadRequest("The path leads through a file") from None
            except FileNotFoundError:
                if if_match is None:
                    raise
                raise _changed() from None

    def _place(
        self, staged: StagedFile, path: Path, content: bytes, if_match: str | None
    ) -> SavedFile:
        # no folder is created for a file that must exist
        with (
            self._resolver.fs.open_path(path, make_parents=if_match is None) as handle,
            self._locked(handle),
        ):
            status = _checked_status(handle, if_match)
            if status:
                staged.copy_ownership(status)
            staged.replace(handle)
            return SavedFile(handle.path, len(content), etag_of(content))

    @contextmanager
    def _staged(self, content: bytes) -> Generator[StagedFile]:
        staged = self._staging.create_file()
        try:
            staged.write(content)
            staged.sync()
            yield staged
        finally:
            staged.discard()

    @contextmanager
    def _locked(self, handle: PathHandle) -> Generator[None]:
        folder = os.fstat(handle.folder.descriptor)
        lock = self._locks[hash((folder.st_dev, folder.st_ino, handle.name)) % LOCKS]
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise Unavailable("Another save of this file still runs", retry_after=1)
        try:
            yield
        finally:
            lock.release()


def _checked_status(handle: PathHandle, if_match: str | None) -> os.stat_result | None:
    """Return the status of the file that is about to be replaced; None when there is none.

    Raises BadRequest or PreconditionFailed.
    """
    status = handle.stat()
    if status and not stat.S_ISREG(status.st_mode):
        raise BadRequest("The path is not a regular file")
    if if_match is None:
        return status
    if status is None:
        raise _changed()
    with handle.open() as file:
        is_unchanged = matches(file, if_match)
    if not is_unchanged or _identity(status) != _identity(handle.stat()):
        raise _changed()
    return status


def _identity(status: os.stat_result | None) -> object:
    return status and (status.st_ino, status.st_size, status.st_mtime_ns)


def _changed() -> PreconditionFailed:
    return PreconditionFailed("The file has changed since it was read")
