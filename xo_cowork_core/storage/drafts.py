"""Files and folders in the making: put in place whole, and swept when a killed server left them.

A file is written in a folder of all drafts. Where the goal is on another file system a rename
can't reach it: then the bytes are copied beside the goal first. A folder is made beside its goal
in any case. A note, a symlink in the folder of drafts, says where such a thing is, so that it is
swept, too. Everything here blocks.
"""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from xo_cowork_core.storage.beneath import PathHandle, walk
from xo_cowork_core.storage.paths import MAX_PATH_BYTES, OutsideError

BESIDE = re.compile(r"\.[0-9a-f]{16}\.xo-new")
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


def is_draft(name: str) -> bool:
    """Whether a name is that of something in the making, which nobody should see."""
    return name.endswith(".xo-new") and BESIDE.fullmatch(name) is not None


class Draft:
    """One file in the making. Put it in place by `replace` or `claim`, then `discard` it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = secrets.token_hex(8)
        self._path = folder / self._name
        # the umask applies; the folder keeps others out until the file is in place
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o666)

    def write(self, body: bytes) -> int:
        """Append all of `body`."""
        left = memoryview(body)
        while left:
            left = left[os.write(self._handle, left) :]
        return len(body)

    def take_rights(self, like: os.stat_result) -> None:
        """Take the mode, and where that is allowed the owner, of the file to be replaced."""
        mine = os.fstat(self._handle)
        if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
            with suppress(PermissionError):
                os.fchown(self._handle, like.st_uid, like.st_gid)
        # but not the bits that lend an owner's rights
        os.fchmod(self._handle, like.st_mode & 0o777)

    def sync(self) -> None:
        """Flush to the platter, so that what is put in place is whole also after a power loss."""
        os.fsync(self._handle)

    def replace(self, spot: PathHandle) -> None:
        """Put it in place, over what has that name."""

        def rename(folder: int, name: str) -> None:
            os.rename(name, spot.name, src_dir_fd=folder, dst_dir_fd=spot.folder)

        self._place(spot, rename)

    def claim(self, spot: PathHandle) -> None:
        """Put it in place. Raises FileExistsError when something has that name."""

        def link(folder: int, name: str) -> None:
            try:
                os.link(name, spot.name, src_dir_fd=folder, dst_dir_fd=spot.folder)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                _claim_without_links(folder, name, spot)

        if spot.stat():
            raise FileExistsError(spot.name)
        self._place(spot, link)

    def discard(self) -> None:
        """Close it and remove what has not been put in place. Harmless twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _place(self, spot: PathHandle, move: Callable[[int, str], None]) -> None:
        try:
            with _opened(self._folder) as folder:
                move(folder, self._name)
        except OSError as error:
            # asked of the kernel, not of st_dev: two mounts of one file system differ, too
            if error.errno != errno.EXDEV:
                raise
            with self._beside(spot) as name:
                move(spot.folder, name)
        spot.sync()

    @contextmanager
    def _beside(self, spot: PathHandle) -> Generator[str]:
        """Copy the bytes into the goal's folder, under a name that the next start would sweep."""
        name = f".{self._name}.xo-new"
        note = self._folder / f"{self._name}.note"
        note.symlink_to(spot.path.parent / name)
        try:
            self._copy(spot.folder, name)
            yield name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=spot.folder)
            note.unlink(missing_ok=True)

    def _copy(self, folder: int, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(name, flags, 0o666, dir_fd=folder)
        with os.fdopen(handle, "wb") as copy, self._path.open("rb") as mine:
            shutil.copyfileobj(mine, copy, 1 << 20)
            copy.flush()
            os.fchmod(handle, os.fstat(self._handle).st_mode & 0o777)
            os.fsync(handle)


class Staging:
    """The folder of all drafts of one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self) -> Draft:
        """Begin a file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Draft(self._folder)

    @contextmanager
    def tree(self, goal: PathHandle) -> Generator[str]:
        """Make a folder beside `goal`, to be filled and renamed; what was not is removed."""
        mark = secrets.token_hex(8)
        name = f".{mark}.xo-new"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = self._folder / f"{mark}.note"
        note.symlink_to(goal.path.parent / name)
        try:
            os.mkdir(name, dir_fd=goal.folder)
            yield name
        finally:
            with suppress(OSError):
                _remove(goal.folder, name)
            note.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed server left. Call it before any draft is begun."""
        if not self._folder.is_dir():
            return
        for left in self._folder.iterdir():
            with suppress(OSError):
                if left.is_symlink():
                    _sweep_beside(left.readlink())
                left.unlink()


def _sweep_beside(copy: Path) -> None:
    if not is_draft(copy.name) or len(os.fsencode(copy)) > MAX_PATH_BYTES:
        return
    with suppress(OSError, OutsideError):
        folder = walk(Path("/"), copy.parent.parts[1:])
        try:
            _remove(folder, copy.name)
        finally:
            os.close(folder)


def _remove(folder: int, name: str) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _claim_without_links(near: int, name: str, spot: PathHandle) -> None:
    """Take the name with an empty file, which nobody else can, then rename over it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(spot.name, flags, dir_fd=spot.folder))
    try:
        os.rename(name, spot.name, src_dir_fd=near, dst_dir_fd=spot.folder)
    except BaseException:
        os.unlink(spot.name, dir_fd=spot.folder)
        raise


@contextmanager
def _opened(folder: Path) -> Generator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)
