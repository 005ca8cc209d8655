"""Staged files and folders: put in place whole, and removed when a killed server left them.

A file is written in the staging folder. A rename cannot reach a destination on another file
system: then the content is copied beside the destination first. A folder is always staged beside
its destination. A note, which is a symlink in the staging folder, records where such a copy or
folder is, so that the next start removes it. Everything here blocks.
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

from xo_cowork_core.storage.folder_handle import FolderHandle
from xo_cowork_core.storage.paths import MAX_PATH_BYTES
from xo_cowork_core.storage.rooted_fs import PathHandle

STAGED_NAME = re.compile(r"\.[0-9a-f]{16}\.xo-new")
NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


def is_staged(name: str) -> bool:
    """Return whether a name is that of a staged copy or folder, which is never shown."""
    return name.endswith(".xo-new") and STAGED_NAME.fullmatch(name) is not None


class StagedFile:
    """A file that has no place yet. Place it with `replace` or `claim`, then `discard` it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = secrets.token_hex(8)
        self._path = folder / self._name
        # the umask applies; the folder's own mode keeps others out until the file is placed
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o666)

    def write(self, content: bytes) -> int:
        """Append all of `content`."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(content)

    def copy_ownership(self, status: os.stat_result) -> None:
        """Take the permission bits and, where that is allowed, the owner of another file."""
        own = os.fstat(self._descriptor)
        if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
            with suppress(PermissionError):
                os.fchown(self._descriptor, status.st_uid, status.st_gid)
        # without set-user-id and the like
        os.fchmod(self._descriptor, status.st_mode & 0o777)

    def sync(self) -> None:
        """Flush to the disk, so that the placed file is whole also after a power loss."""
        os.fsync(self._descriptor)

    def replace(self, destination: PathHandle) -> None:
        """Place the file, over an existing entry."""
        target = destination.folder.descriptor

        def rename(folder: int, name: str) -> None:
            os.rename(name, destination.name, src_dir_fd=folder, dst_dir_fd=target)

        self._place(destination, rename)

    def claim(self, destination: PathHandle) -> None:
        """Place the file under a free name. Raises FileExistsError when the name is taken."""
        target = destination.folder.descriptor

        def link(folder: int, name: str) -> None:
            try:
                os.link(name, destination.name, src_dir_fd=folder, dst_dir_fd=target)
            except OSError as error:
                if error.errno not in NO_HARD_LINKS:
                    raise
                _claim_without_links(folder, name, destination)

        if destination.stat():
            raise FileExistsError(destination.name)
        self._place(destination, link)

    def discard(self) -> None:
        """Close the file and remove it if it was not placed. Harmless twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _place(self, destination: PathHandle, move: Callable[[int, str], None]) -> None:
        try:
            with FolderHandle.open(self._folder) as folder:
                move(folder.descriptor, self._name)
        except OSError as error:
            # asked of the kernel, not of st_dev: two mounts of one file system have the same
            if error.errno != errno.EXDEV:
                raise
            with self._copied_beside(destination) as name:
                move(destination.folder.descriptor, name)
        destination.folder.sync()

    @contextmanager
    def _copied_beside(self, destination: PathHandle) -> Generator[str]:
        """Copy the content into the destination's folder; yield the copy's name."""
        name = f".{self._name}.xo-new"
        target = destination.folder.descriptor
        note = self._folder / f"{self._name}.note"
        note.symlink_to(destination.path.parent / name)
        try:
            self._copy(target, name)
            yield name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=target)
            note.unlink(missing_ok=True)

    def _copy(self, folder: int, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o666, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as copy, self._path.open("rb") as original:
            shutil.copyfileobj(original, copy, 1 << 20)
            copy.flush()
            os.fchmod(descriptor, os.fstat(self._descriptor).st_mode & 0o777)
            os.fsync(descriptor)


class StagingArea:
    """The staging folder of one server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create_file(self) -> StagedFile:
        """Create an empty staged file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return StagedFile(self._folder)

    @contextmanager
    def create_folder(self, destination: PathHandle) -> Generator[str]:
        """Create a folder beside `destination`, to be filled and renamed by the caller; yield its
        name. What was not renamed is removed."""
        token = secrets.token_hex(8)
        name = f".{token}.xo-new"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = self._folder / f"{token}.note"
        note.symlink_to(destination.path.parent / name)
        target = destination.folder.descriptor
        try:
            os.mkdir(name, dir_fd=target)
            yield name
        finally:
            with suppress(OSError):
                _remove(target, name)
            note.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed server left. Call it before anything is staged."""
        if not self._folder.is_dir():
            return
        for entry in self._folder.iterdir():
            with suppress(OSError):
                if entry.is_symlink():
                    _sweep_noted(entry.readlink())
                entry.unlink()


def _sweep_noted(path: Path) -> None:
    """Remove the copy or folder that a note records; no symlink is followed."""
    if not is_staged(path.name) or len(os.fsencode(path)) > MAX_PATH_BYTES:
        return
    with (
        suppress(OSError),
        FolderHandle.open_traversable(Path("/")) as top,
        top.descend(path.parent.parts[1:], readable=False) as folder,
    ):
        _remove(folder.descriptor, path.name)


def _remove(folder: int, name: str) -> None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _claim_without_links(folder: int, name: str, destination: PathHandle) -> None:
    """Create the destination empty, which only one caller can, then rename over it."""
    target = destination.folder.descriptor
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(destination.name, flags, dir_fd=target))
    try:
        os.rename(name, destination.name, src_dir_fd=folder, dst_dir_fd=target)
    except BaseException:
        os.unlink(destination.name, dir_fd=target)
        raise
