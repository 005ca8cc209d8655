"""Lists folders."""

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, is_unicode
from xo_cowork_core.storage.staging import is_staged


@frozen_dataclass
class DirectoryEntry:
    """One entry. Size and time of a symlink are those of its target where that may be reached."""

    name: str
    path: str
    size: int
    mtime: str
    is_symlink: bool


@frozen_dataclass
class DirectoryListing:
    """A folder; `parent` is None where nothing above it is served."""

    path: str
    parent: str | None
    dirs: Sequence[DirectoryEntry]
    files: Sequence[DirectoryEntry]


class DirectoryLister:
    """Lists folders for clients."""

    def __init__(self, resolver: PathResolver, threads: DiskThreads) -> None:
        self._resolver = resolver
        self._threads = threads

    async def list(self, path: str | None) -> DirectoryListing:
        """List a folder, the home folder by default. Raises BadRequest, Forbidden or NotFound."""
        return await self._threads.run(self._list, self._resolver.path_or_home(path))

    def _list(self, path: Path) -> DirectoryListing:
        dirs: list[DirectoryEntry] = []
        files: list[DirectoryEntry] = []
        with (
            translate_os_errors("Not a directory"),
            self._resolver.fs.open_folder(path) as (folder, real),
        ):
            names = sorted((entry.name for entry in folder.entries()), key=_sort_key)
            for name in names:
                described = self._describe(folder, real, name)
                if described:
                    mode, entry = described
                    (dirs if stat.S_ISDIR(mode) else files).append(entry)
            is_root = self._resolver.fs.is_root(real)
        return DirectoryListing(str(real), None if is_root else str(real.parent), dirs, files)

    def _describe(
        self, folder: FolderHandle, real: Path, name: str
    ) -> tuple[int, DirectoryEntry] | None:
        """Describe an entry; None for one that has no status or no name in JSON."""
        if is_staged(name) or not is_unicode(name):
            return None
        try:
            status = folder.stat(name)
        except OSError:
            return None
        if status is None:
            return None
        is_symlink = stat.S_ISLNK(status.st_mode)
        if is_symlink:
            status = self._target_status(real / name) or status
        mtime = stamp(datetime.fromtimestamp(status.st_mtime, UTC))
        path = str(real / name)
        return status.st_mode, DirectoryEntry(name, path, status.st_size, mtime, is_symlink)

    def _target_status(self, link: Path) -> os.stat_result | None:
        """Return the status of a symlink's target; None when it may not be reached."""
        try:
            with self._resolver.fs.open_path(link) as handle:
                return handle.stat()
        except (OSError, OutsideError, MalformedPathError):
            return None


def _sort_key(name: str) -> tuple[str, str]:
    return name.casefold(), name
