"""An open folder: everything done through it happens in that folder, wherever it is moved to.

Every name is one path component and no symlink is followed, so that a program that may write in
the folder cannot lead the server out of it. `FolderHandle.descend` is the only path walk of the
project. Everything here blocks.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

LOCK_POLL_SECONDS = 0.01
READ_CHUNK_BYTES = 1 << 20
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC
_READABLE = os.O_RDONLY | _FOLDER
# O_PATH needs no right to read a folder that is only passed through; not every system has it
_TRAVERSABLE = getattr(os, "O_PATH", os.O_RDONLY) | _FOLDER
# O_NONBLOCK: a named pipe in a file's place must not block the thread; O_NOCTTY: nor a terminal
# become the server's own
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DESCRIPTORS = Path("/proc/self/fd")


class FolderBusyError(Exception):
    """Another program holds the folder's lock."""


class SymlinkError(OSError):
    """A name is a symlink where none is followed."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.ELOOP, os.strerror(errno.ELOOP), name)


class NotRegularFileError(OSError):
    """A name is a folder, a pipe, a socket or a device where a file is needed."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", name)


class FolderHandle:
    """An open folder; a context manager that closes it. One that is only traversable can neither
    be listed nor locked."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a folder by its path, symlinks followed: the path is the caller's own."""
        return cls(os.open(path, _READABLE))

    @classmethod
    def open_traversable(cls, path: Path) -> Self:
        """Open a folder to pass through; its last component must not be a symlink."""
        return cls(os.open(path, _TRAVERSABLE | os.O_NOFOLLOW))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def open_folder(
        self, name: str, *, make: bool = False, mode: int = 0o755, readable: bool = True
    ) -> "FolderHandle":
        """Open a folder in this one; if `make`, create it when absent.

        Raises SymlinkError and other OSErrors.
        """
        if make:
            with suppress(FileExistsError):
                os.mkdir(_checked(name), mode, dir_fd=self.descriptor)
        flags = (_READABLE if readable else _TRAVERSABLE) | os.O_NOFOLLOW
        try:
            return FolderHandle(os.open(_checked(name), flags, dir_fd=self.descriptor))
        except OSError as error:
            if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
                raise
            # with O_DIRECTORY, Linux answers ENOTDIR for a file and for a symlink
            status = self.stat(name)
            if status and stat.S_ISLNK(status.st_mode):
                raise SymlinkError(name) from None
            raise

    def descend(
        self,
        names: Sequence[str],
        *,
        make: bool = False,
        mode: int = 0o755,
        readable: bool = True,
    ) -> "FolderHandle":
        """Open the folder at the end of a path, one component at a time. Raises as `open_folder`.

        Folders on the way need no right to be read.
        """
        flags = _READABLE if readable and not names else _TRAVERSABLE
        current = FolderHandle(os.open(".", flags, dir_fd=self.descriptor))
        for depth, name in enumerate(names, start=1):
            with current:
                current = current.open_folder(
                    name, make=make, mode=mode, readable=readable and depth == len(names)
                )
        return current

    @contextmanager
    def locked(self, seconds: float) -> Generator[None]:
        """Keep other writers out, of this process and of others. Raises FolderBusyError."""
        deadline = time.monotonic() + seconds
        while not self._try_lock():
            if time.monotonic() > deadline:
                raise FolderBusyError
            time.sleep(LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def location(self) -> Path | None:
        """Return where the folder lies now; None where the system cannot tell."""
        try:
            return (_DESCRIPTORS / str(self.descriptor)).readlink()
        except OSError:
            return None

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """Yield the folder's entries, in no order."""
        with os.scandir(self.descriptor) as entries:
            yield from entries

    def stat(self, name: str) -> os.stat_result | None:
        """Return the status of an entry, of a symlink its own; None when absent."""
        try:
            return os.stat(_checked(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open_file(self, name: str, flags: int = os.O_RDONLY, mode: int = 0o644) -> "RegularFile":
        """Open a regular file. Raises SymlinkError, NotRegularFileError and other OSErrors."""
        try:
            descriptor = os.open(_checked(name), flags | _FILE, mode, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise SymlinkError(name) from None
            if error.errno in {errno.ENXIO, errno.ENODEV}:
                raise NotRegularFileError(name) from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotRegularFileError(name)
        return RegularFile(descriptor)

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file's content; None when absent. Raises OSError, EFBIG above `max_bytes`."""
        try:
            with self.open_file(name) as file:
                content = file.read(max_bytes + 1)
        except FileNotFoundError:
            return None
        if len(content) > max_bytes:
            raise OSError(errno.EFBIG, "file too large")
        return content

    def replace(self, name: str, content: bytes, *, durable: bool = True) -> None:
        """Replace a file, whole or not at all; `durable` also against a power loss.

        The new file has a fixed name (`.<name>.new`) while it is written: the caller holds the
        folder's lock, and the next writer takes over what a killed one left.
        """
        new_name = f".{_checked(name)}.new"
        self.remove(new_name)
        with self.open_file(new_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            file.write(content)
            if durable:
                file.sync()
        self.rename(new_name, name)
        if durable:
            self.sync()

    def rename(self, name: str, new_name: str) -> None:
        """Rename an entry, over an existing one."""
        here = self.descriptor
        os.rename(_checked(name), _checked(new_name), src_dir_fd=here, dst_dir_fd=here)

    def remove(self, name: str) -> None:
        """Remove a file; harmless when absent."""
        with suppress(FileNotFoundError):
            os.unlink(_checked(name), dir_fd=self.descriptor)

    def sync(self) -> None:
        """Make renames in the folder survive a power loss, where the file system allows it."""
        # reopened, because a folder that is only traversable cannot be flushed
        with suppress(OSError), self.descend(()) as readable:
            os.fsync(readable.descriptor)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # some network file systems cannot lock a folder: then nothing but this process's one
            # writer thread keeps writers apart
            return error.errno not in {errno.EINTR, errno.EAGAIN}
        return True


class RegularFile:
    """An open regular file; a context manager that closes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def stat(self) -> os.stat_result:
        """Return the file's status."""
        return os.fstat(self._descriptor)

    @property
    def size(self) -> int:
        return self.stat().st_size

    def read(self, max_bytes: int) -> bytes:
        """Read up to `max_bytes`, fewer only at the end of the file."""
        chunks: list[bytes] = []
        while max_bytes > 0 and (
            chunk := os.read(self._descriptor, min(max_bytes, READ_CHUNK_BYTES))
        ):
            chunks.append(chunk)
            max_bytes -= len(chunk)
        return b"".join(chunks)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range; shorter at the end of the file."""
        return os.pread(self._descriptor, length, offset)

    def write(self, content: bytes) -> None:
        """Write all of `content`."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def copy_mode(self, status: os.stat_result) -> None:
        """Take the permission bits of another file, without set-user-id and the like."""
        os.fchmod(self._descriptor, status.st_mode & 0o777)

    def sync(self) -> None:
        """Flush to the disk."""
        os.fsync(self._descriptor)


def _checked(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, "not one path component")
    return name
