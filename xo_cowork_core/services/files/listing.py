"""Lists folders."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.drafts import is_draft
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, is_unicode


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. Size and time are those of a symlink's goal where it may be reached."""

    name: str
    path: str
    size: int
    mtime: str
    is_symlink: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder; `parent` is None where nothing above it is served."""

    path: str
    parent: str | None
    dirs: Sequence[Item]
    files: Sequence[Item]


class Lists:
    """Listings of one server."""

    def __init__(self, places: PathResolver, threads: DiskThreads) -> None:
        self._places = places
        self._threads = threads

    async def of(self, path: str | None) -> Listing:
        """List a folder, the home folder by default. Raises BadRequest, Forbidden or NotFound."""
        return await self._threads.run(self._of, self._places.path_or_home(path))

    def _of(self, path: Path) -> Listing:
        dirs: list[Item] = []
        files: list[Item] = []
        with (
            translate_os_errors("Not a directory"),
            self._places.beneath.folder(path) as (handle, real),
        ):
            with os.scandir(handle) as entries:
                names = sorted((entry.name for entry in entries), key=_order)
            for name in names:
                found = self._look(handle, real, name)
                if found:
                    mode, item = found
                    (dirs if stat.S_ISDIR(mode) else files).append(item)
            top = self._places.beneath.is_root(real)
        return Listing(str(real), None if top else str(real.parent), dirs, files)

    def _look(self, folder: int, real: Path, name: str) -> tuple[int, Item] | None:
        """Describe an entry; None for what can't be looked at or named in JSON."""
        if is_draft(name) or not is_unicode(name):
            return None
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return None
        is_symlink = stat.S_ISLNK(found.st_mode)
        if is_symlink:
            found = self._goal(real / name) or found
        mtime = stamp(datetime.fromtimestamp(found.st_mtime, UTC))
        return found.st_mode, Item(name, str(real / name), found.st_size, mtime, is_symlink)

    def _goal(self, link: Path) -> os.stat_result | None:
        """Look at what a symlink leads to; None when it may not be reached."""
        try:
            with self._places.beneath.spot(link) as spot:
                return spot.stat()
        except (OSError, OutsideError, MalformedPathError):
            return None


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name
