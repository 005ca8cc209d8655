"""Open things under the allowed roots so that no symlink, put there at any moment, leads outside.

A path is resolved first, symlinks followed, and must lie under a root. Then it is opened from that
root downwards, one component at a time, each relative to the folder before it and none of them a
symlink: what resolving saw is what is opened. A symlink met on the way was put there in between,
and everything begins anew. At the end the kernel is asked where the opened folder lies, for one
that was moved away meanwhile. Everything here blocks.
"""

import errno
import os
import stat
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xo_cowork_core.storage.paths import MalformedPathError, OutsideError, is_under, locate

TRIES = 16
# O_PATH needs no right to read a folder that is only passed through; not every system has it
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# never waits for the other end of a pipe, never takes a terminal over
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DESCRIPTORS = Path("/proc/self/fd")


class SwappedError(OutsideError):
    """A symlink stands where a moment ago there was none."""


@dataclass(frozen=True, slots=True)
class PathHandle:
    """A name in an open folder. `folder` is the descriptor, `path` where both were found."""

    folder: int
    name: str
    path: Path

    def stat(self) -> os.stat_result | None:
        """Look at what has this name, itself and not what it points at; None when nothing has."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def sync(self) -> None:
        """Make a rename in its folder survive a power loss, where the file system lets us."""
        with suppress(OSError):
            # a descriptor that only passes through can't be flushed
            handle = os.open(".", _LOOK, dir_fd=self.folder)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def open(self) -> BinaryIO:
        """Open the regular file of this name for reading. Raises FileNotFoundError for the rest."""
        found = self.stat()
        if found is None or not stat.S_ISREG(found.st_mode):
            if found and stat.S_ISLNK(found.st_mode):
                raise SwappedError(self.name)
            raise FileNotFoundError(self.name)
        handle = _swapped_at_symlink(lambda: os.open(self.name, _READ, dir_fd=self.folder))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FileNotFoundError(self.name)
        return os.fdopen(handle, "rb")


class Beneath:
    """The roots that may be reached, and the private places in them that may not."""

    def __init__(
        self, roots: Sequence[Path], private: Callable[[], Sequence[Path]] = tuple[Path, ...]
    ) -> None:
        self._roots = roots
        self._private = private

    def real(self, path: Path) -> Path:
        """Resolve a path. Raises OutsideError or MalformedPathError."""
        return self._locate(path)[1]

    def is_root(self, path: Path) -> bool:
        """Whether a resolved path is a root, above which nothing is served."""
        return path.parent == path or not is_under(path.parent, self._bases())

    def private_places(self) -> Sequence[Path]:
        """Resolve the places that may not be reached."""
        return [Path(os.path.realpath(place)) for place in self._private()]

    @contextmanager
    def spot(self, path: Path, *, make_parents: bool = False) -> Generator[PathHandle]:
        """Open the folder that holds `path`, made when absent if asked.

        Raises OutsideError, MalformedPathError, NotADirectoryError and other OSErrors.
        """
        folder, real = self._opened(path, make_parents=make_parents)
        try:
            yield PathHandle(folder, real.name, real)
        finally:
            os.close(folder)

    def open_file(self, path: Path) -> tuple[BinaryIO, Path]:
        """Open a regular file and say where it lies. Raises as `spot`."""
        for _ in range(TRIES):
            with suppress(SwappedError), self.spot(path) as spot:
                return spot.open(), spot.path
        raise OutsideError(str(path))

    @contextmanager
    def entry(self, folder: Path, name: str) -> Generator[PathHandle]:
        """Open `folder`, made when absent, for something called `name`, which is not followed
        where it is a symlink. Raises as `spot`."""
        handle, real = self._opened(folder, make_parents=True, whole=True)
        try:
            self._check_private(real / name)
            yield PathHandle(handle, name, real / name)
        finally:
            os.close(handle)

    @contextmanager
    def folder(self, path: Path) -> Generator[tuple[int, Path]]:
        """Open a folder for listing; give its descriptor and where it lies. Raises as `spot`."""
        handle, real = self._opened(path, whole=True)
        try:
            # the one that was only passed through can't be read
            readable = os.open(".", _LOOK, dir_fd=handle)
        finally:
            os.close(handle)
        try:
            yield readable, real
        finally:
            os.close(readable)

    def _opened(
        self, path: Path, *, make_parents: bool = False, whole: bool = False
    ) -> tuple[int, Path]:
        for _ in range(TRIES):
            root, real = self._locate(path)
            parts = real.relative_to(root).parts
            if not parts and not whole:
                raise IsADirectoryError(str(path))
            with suppress(SwappedError):
                if make_parents:
                    root.mkdir(parents=True, exist_ok=True)
                folder = walk(root, parts if whole else parts[:-1], make=make_parents)
                self._check(folder, root)
                return folder, real
        raise OutsideError(str(path))

    def _check(self, folder: int, root: Path) -> None:
        """Ask the kernel where an opened folder lies now."""
        try:
            lies = place_of(folder)
            if lies is not None and not lies.is_relative_to(root):
                raise SwappedError(str(lies))
        except BaseException:
            os.close(folder)
            raise

    def _locate(self, path: Path) -> tuple[Path, Path]:
        root, real = locate(path, self._roots)
        self._check_private(real)
        return root, real

    def _check_private(self, real: Path) -> None:
        bases = self._bases()
        for hidden in self.private_places():
            # a root that somebody put inside a private place is open all the same
            inner = [base for base in bases if base.is_relative_to(hidden)]
            if is_under(real, [hidden]) and not is_under(real, inner):
                raise OutsideError(str(real))

    def _bases(self) -> list[Path]:
        return [Path(os.path.realpath(root)) for root in self._roots]


def walk(root: Path | int, parts: Sequence[str], *, make: bool = False) -> int:
    """Go down from a root, a path or a descriptor, through folders that are no symlinks."""
    here = os.dup(root) if isinstance(root, int) else os.open(root, _PASS)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
            deeper = _step(here, part)
            os.close(here)
            here = deeper
    except BaseException:
        os.close(here)
        raise
    return here


def _step(here: int, part: str) -> int:
    try:
        return _swapped_at_symlink(lambda: os.open(part, _PASS, dir_fd=here))
    except NotADirectoryError:
        # Linux answers the same for a file and, with O_DIRECTORY, for a symlink
        found = os.stat(part, dir_fd=here, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise SwappedError(part) from None
        raise


def _swapped_at_symlink(opening: Callable[[], int]) -> int:
    try:
        return opening()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SwappedError from None
        if error.errno == errno.ENAMETOOLONG:
            raise MalformedPathError from None
        if error.errno in {errno.ENXIO, errno.ENODEV}:
            raise FileNotFoundError from None
        raise


def place_of(handle: int) -> Path | None:
    """Say where an open folder lies; None where the system can't tell."""
    try:
        return (_DESCRIPTORS / str(handle)).readlink()
    except OSError:
        return None
