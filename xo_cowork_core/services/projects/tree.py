"""Lists one level of a project's folder, without hidden entries."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest, Forbidden, NotFound
from xo_cowork_core.services.projects.project_files import ABSENT_CODES
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, clamp, is_unicode


class TreeLevel(NamedTuple):
    """The names in a folder, each list sorted without regard to case."""

    relative_path: str
    dirs: Sequence[str]
    files: Sequence[str]

    @property
    def parent(self) -> str | None:
        """The relative path of the parent folder; None at the top."""
        if not self.relative_path:
            return None
        parent = str(PurePosixPath(self.relative_path).parent)
        return "" if parent == "." else parent


def read_level(project: FolderHandle, location: Path, relative_path: str) -> TreeLevel:
    """List a folder of the project at `location`.

    A symlink counts as its target where that lies in the project, and is left out elsewhere. Raises
    BadRequest, Forbidden or NotFound.
    """
    requested = _checked(relative_path)
    real = _resolve_inside(location, location / requested)
    if real is None:
        raise Forbidden("Access denied")
    if _is_hidden(real):
        raise NotFound("Folder not found")
    dirs: list[str] = []
    files: list[str] = []
    try:
        # opened from the project without following symlinks, so that it is what was resolved
        with project.descend(real.parts) as folder:
            for entry in folder.entries():
                kind = _kind(entry, location, real)
                if kind:
                    (dirs if kind == "dir" else files).append(entry.name)
    except OSError as error:
        if error.errno in ABSENT_CODES:
            raise NotFound("Folder not found") from None
        raise
    shown_path = "" if requested == PurePosixPath() else str(requested)
    return TreeLevel(shown_path, sorted(dirs, key=_sort_key), sorted(files, key=_sort_key))


def _checked(relative_path: str) -> PurePosixPath:
    if "\0" in relative_path or relative_path.startswith(("/", "~")):
        raise BadRequest("`relative_path` must be a path inside the project")
    path = PurePosixPath(relative_path)
    if ".." in path.parts:
        raise Forbidden("Access denied")
    if _is_hidden(path):
        raise NotFound("Folder not found")
    return path


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _resolve_inside(location: Path, path: Path) -> PurePosixPath | None:
    """Return the resolved path, relative to the project; None when it lies outside."""
    try:
        real = clamp(path, (location,))
    except (OutsideError, MalformedPathError):
        return None
    return PurePosixPath(real.relative_to(os.path.realpath(location)))


def _kind(entry: os.DirEntry[str], location: Path, folder: PurePosixPath) -> str | None:
    """Return `dir` or `file`; None for an entry that is hidden, special, outside the project or
    not named in Unicode."""
    if entry.name.startswith(".") or not is_unicode(entry.name):
        return None
    if entry.is_symlink():
        target = _resolve_inside(location, location / folder / entry.name)
        if target is None or _is_hidden(target):
            return None
        real = location / target
        return "dir" if real.is_dir() else "file" if real.is_file() else None
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "file" if entry.is_file(follow_symlinks=False) else None


def _sort_key(name: str) -> tuple[str, str]:
    return name.casefold(), name
