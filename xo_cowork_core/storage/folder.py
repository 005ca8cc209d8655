"""An open folder: what is done in it is done there, whatever becomes of its path meanwhile.

Every name is one path component and no link is followed, so that a program that may write in the
folder cannot lead the server out of it. What is half written has a fixed name (`.<name>.new`):
whoever writes holds the folder's lock, and what a killed writer left behind is taken over by the
next one. Everything here blocks.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_PAUSE_SECONDS = 0.01
DOWN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a named pipe in a file's place must not hang the thread
FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderBusyError(Exception):
    """Another program holds the folder's lock."""


class Folder:
    """A folder's descriptor; a context manager that closes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> "Folder":
        """Open the folder at a path, whose links are followed: the path is the caller's own."""
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def folder(self, name: str, *, make: bool = False) -> "Folder":
        """Open a folder in this one, made when absent if `make`. Raises OSError."""
        if make:
            with suppress(FileExistsError):
                os.mkdir(_plain(name), 0o755, dir_fd=self._descriptor)
        return Folder(os.open(_plain(name), DOWN, dir_fd=self._descriptor))

    @contextmanager
    def below(
        self, names: tuple[str, ...], *, make: bool = False
    ) -> Generator["Folder", None, None]:
        """Open the folder at the end of a row of names, each in the one before."""
        here = Folder(os.dup(self._descriptor))
        try:
            for name in names:
                inner = here.folder(name, make=make)
                os.close(here._descriptor)
                here = inner
            yield here
        finally:
            os.close(here._descriptor)

    @contextmanager
    def locked(self, seconds: float) -> Generator[None, None, None]:
        """Keep other writers out: of this process and of others. Raises FolderBusyError."""
        deadline = time.monotonic() + seconds
        while not self._lock():
            if time.monotonic() > deadline:
                raise FolderBusyError
            time.sleep(LOCK_PAUSE_SECONDS)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """List what is in it."""
        with os.scandir(self._descriptor) as found:
            yield from found

    def stat(self, name: str) -> os.stat_result | None:
        """Look at an entry itself, a link too; None when there is none."""
        try:
            return os.stat(_plain(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, name: str, most: int) -> bytes | None:
        """Return a plain file's bytes; None when absent. Raises OSError, EFBIG above `most`."""
        try:
            with self.open(name) as file:
                body = file.read(most + 1)
        except FileNotFoundError:
            return None
        if len(body) > most:
            raise OSError(errno.EFBIG, "file too large")
        return body

    @contextmanager
    def open(self, name: str, flags: int = os.O_RDONLY) -> Generator["PlainFile", None, None]:
        """Open a plain file. Raises OSError for whatever else has the name."""
        handle = os.open(_plain(name), flags | FILE, 0o644, dir_fd=self._descriptor)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a plain file")
            yield PlainFile(handle)
        finally:
            os.close(handle)

    def replace(self, name: str, body: bytes, *, durable: bool = True) -> None:
        """Put a file in place, whole or not at all; `durable` also against a power loss."""
        fresh = self._write_fresh(name, body, durable=durable)
        os.rename(fresh, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        if durable:
            self._sync()

    def rename(self, name: str, other: str) -> None:
        """Give an entry another name, over whatever has it."""
        here = self._descriptor
        os.rename(_plain(name), _plain(other), src_dir_fd=here, dst_dir_fd=here)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(_plain(name), dir_fd=self._descriptor)

    def _write_fresh(self, name: str, body: bytes, *, durable: bool) -> str:
        fresh = f".{_plain(name)}.new"
        self.remove(fresh)
        with self.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            file.write(body)
            if durable:
                file.sync()
        return fresh

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # some network file systems can't lock a folder: then this process's order must do
            return error.errno not in {errno.EINTR, errno.EAGAIN}
        return True

    def _sync(self) -> None:
        with suppress(OSError):
            os.fsync(self._descriptor)


class PlainFile:
    """An open regular file."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @property
    def size(self) -> int:
        return os.fstat(self._handle).st_size

    def read(self, most: int) -> bytes:
        """Read from here on, at most so many bytes."""
        pieces: list[bytes] = []
        while most > 0 and (piece := os.read(self._handle, min(most, 1 << 20))):
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a piece; shorter at the file's end."""
        return os.pread(self._handle, length, offset)

    def write(self, body: bytes) -> None:
        """Write all of it here."""
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def take_mode(self, like: os.stat_result) -> None:
        """Take the mode of another file, but for the bits that lend its owner's rights."""
        os.fchmod(self._handle, like.st_mode & 0o777)

    def sync(self) -> None:
        """Wait until the platter has it."""
        os.fsync(self._handle)


def _plain(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, "not one name")
    return name
