"""One level of a project's folder, without what is hidden."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xo_cowork_core.sdk import BadRequest, Forbidden, NotFound
from xo_cowork_core.services.projects.project_files import ABSENT_CODES
from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, clamp, is_unicode


@dataclass(frozen=True, slots=True)
class TreeLevel:
    """Names in a folder, in the order in which people look for them."""

    relative_path: str
    dirs: Sequence[str]
    files: Sequence[str]

    @property
    def parent(self) -> str | None:
        """The folder above; None at the top."""
        if not self.relative_path:
            return None
        above = str(PurePosixPath(self.relative_path).parent)
        return "" if above == "." else above


def read_level(project: FolderHandle, place: Path, relative_path: str) -> TreeLevel:
    """List a folder of the project that lies at `place`. Links count as what they lead to, in
    the project; others are left out. Raises BadRequest, Forbidden or NotFound."""
    asked = _checked(relative_path)
    true_place = _inside(place, place / asked)
    if true_place is None:
        raise Forbidden("Access denied")
    if _is_hidden(true_place):
        raise NotFound("Folder not found")
    dirs: list[str] = []
    files: list[str] = []
    try:
        # walked again from the open project, without links: what was checked can't be swapped
        with project.descend(true_place.parts) as folder:
            for entry in folder.entries():
                kind = _kind(entry, place, true_place)
                if kind:
                    (dirs if kind == "dir" else files).append(entry.name)
    except OSError as error:
        if error.errno in ABSENT_CODES:
            raise NotFound("Folder not found") from None
        raise
    shown = "" if asked == PurePosixPath() else str(asked)
    return TreeLevel(shown, sorted(dirs, key=_order), sorted(files, key=_order))


def _checked(relative_path: str) -> PurePosixPath:
    if "\0" in relative_path or relative_path.startswith(("/", "~")):
        raise BadRequest("`relative_path` must be a path inside the project")
    asked = PurePosixPath(relative_path)
    if ".." in asked.parts:
        raise Forbidden("Access denied")
    if _is_hidden(asked):
        raise NotFound("Folder not found")
    return asked


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _inside(place: Path, path: Path) -> PurePosixPath | None:
    """Return where a path truly lies, relative to the project; None when outside."""
    try:
        true = clamp(path, (place,))
    except (OutsideError, MalformedPathError):
        return None
    return PurePosixPath(true.relative_to(os.path.realpath(place)))


def _kind(entry: os.DirEntry[str], place: Path, here: PurePosixPath) -> str | None:
    """Return `dir` or `file`; None for what is hidden, special, outside or without a name in
    Unicode."""
    if entry.name.startswith(".") or not is_unicode(entry.name):
        return None
    if entry.is_symlink():
        target = _inside(place, place / here / entry.name)
        if target is None or _is_hidden(target):
            return None
        true = place / target
        return "dir" if true.is_dir() else "file" if true.is_file() else None
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "file" if entry.is_file(follow_symlinks=False) else None


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name
