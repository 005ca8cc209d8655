"""Creates folders, and copies files into them."""

import errno
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Protocol

from xo_cowork_core.sdk import BadRequest, Conflict
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import CancelToken, DiskThreads
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.rooted_fs import PathHandle
from xo_cowork_core.storage.staging import StagingArea

MAX_FILES = 1000
COPY_CHUNK_BYTES = 1 << 20
EXISTS = "Already exists"
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
# the answers of a rename onto an entry that took the name in the same moment
NAME_TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


class FolderTemplate(Protocol):
    """Decides where a new folder goes, and writes its first files. Blocks."""

    def destination(self, path: Path) -> Path:
        """Return where the folder goes when a client asks for this resolved path. Raises
        BadRequest."""
        ...

    def fill(self, folder: FolderHandle, path: Path) -> None:
        """Write the first files into the empty folder that a client asked for as `path`."""
        ...


@frozen_dataclass
class CreatedFolder:
    """A new folder; `copied` has the names of the files that were copied into it."""

    path: Path
    copied: Sequence[str] = field(default_factory=list[str])


class FolderMaker:
    """Creates folders for clients.

    Each folder is filled under a hidden name and renamed when it is complete, so that a crash or a
    full disk leaves nothing behind.
    """

    def __init__(self, resolver: PathResolver, staging: StagingArea, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._staging = staging
        self._threads = threads
        # a rename replaces an empty folder: of two that create one, the second has to see the first
        self._placing = threading.Lock()

    async def make(
        self,
        path: str | None,
        *,
        files: Sequence[str] = (),
        template: FolderTemplate | None = None,
    ) -> CreatedFolder:
        """Create a folder, from a template if given, and copy `files` into it.

        Raises BadRequest, Forbidden, NotFound, Conflict or Unavailable; then nothing was created.
        """
        resolved = self._resolver.path(path)
        if len(files) > MAX_FILES:
            raise BadRequest(f"At most {MAX_FILES} files at once")
        sources = [self._resolver.path(file) for file in files]
        return await self._threads.run_long(self._make, resolved, sources, template)

    def _make(
        self,
        token: CancelToken,
        path: Path,
        sources: Sequence[Path],
        template: FolderTemplate | None,
    ) -> CreatedFolder:
        with translate_os_errors("The folder is gone"):
            requested = self._resolver.fs.resolve(path)
            real = template.destination(requested) if template else requested
            if os.path.lexists(real):
                raise Conflict(EXISTS)
        for source in sources:
            self._check_source(source, real)
        with translate_os_errors("The folder is gone"), self._open(real) as handle:
            with (
                self._staging.create_folder(handle) as staged_name,
                handle.folder.open_folder(staged_name) as folder,
            ):
                if template:
                    template.fill(folder, requested)
                copied = [source.name for source in sources if self._copy(token, source, folder)]
                self._place(staged_name, handle)
            return CreatedFolder(handle.path, copied)

    def _check_source(self, source: Path, folder: Path) -> None:
        """Refuse a file that cannot be read, or whose copy would have a private path."""
        with translate_os_errors(f"File not found: {source.name}", f"Access denied: {source.name}"):
            self._resolver.fs.open_file(source)[0].close()
            self._resolver.fs.resolve(folder / source.name)

    @contextmanager
    def _open(self, real: Path) -> Generator[PathHandle]:
        try:
            with self._resolver.fs.open_path(real, make_parents=True) as handle:
                yield handle
        except IsADirectoryError:
            raise Conflict(EXISTS) from None
        except NotADirectoryError:
            raise BadRequest("The path leads through a file") from None

    def _place(self, staged_name: str, handle: PathHandle) -> None:
        with self._placing:
            if handle.stat():
                raise Conflict(EXISTS)
            try:
                handle.folder.rename(staged_name, handle.name)
            except OSError as error:
                if error.errno in NAME_TAKEN:
                    raise Conflict(EXISTS) from None
                raise
        handle.folder.sync()

    def _copy(self, token: CancelToken, source: Path, folder: FolderHandle) -> bool:
        """Copy one file; return False when its name is taken."""
        with translate_os_errors(f"File not found: {source.name}", f"Access denied: {source.name}"):
            file = self._resolver.fs.open_file(source)[0]
        with file:
            try:
                with folder.open_file(source.name, CREATE) as copy:
                    while chunk := file.read(COPY_CHUNK_BYTES):
                        token.check()
                        copy.write(chunk)
                    copy.copy_mode(file.stat())
                    copy.sync()
            except FileExistsError:
                return False
        return True
