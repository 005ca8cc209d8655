"""Opens files and folders under the allowed roots; no symlink leads out, whenever it is created.

A path is resolved, symlinks followed, and must lie under a root. Then it is opened from that root
downwards without following any symlink, so that what was checked is what is opened. A symlink met
on the way was created in between, and the whole lookup is repeated. At the end the kernel is asked
where the opened folder lies, in case it was moved meanwhile. Everything here blocks.
"""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.storage.folder_handle import FolderHandle, RegularFile, SymlinkError
from xo_cowork_core.storage.paths import OutsideError, is_under, locate

MAX_ATTEMPTS = 16
# the umask applies
FOLDER_MODE = 0o777


class PathHandle(NamedTuple):
    """A name in an open folder; `path` is where it was when the folder was opened."""

    folder: FolderHandle
    name: str
    path: Path

    def stat(self) -> os.stat_result | None:
        """Return the status of the entry, of a symlink its own; None when absent."""
        return self.folder.stat(self.name)

    def open(self) -> RegularFile:
        """Open the file for reading. Raises SymlinkError, NotRegularFileError or OSError."""
        return self.folder.open_file(self.name)


class RootedFs:
    """The roots that may be reached, and the private paths in them that may not."""

    def __init__(
        self, roots: Sequence[Path], private: Callable[[], Sequence[Path]] = tuple[Path, ...]
    ) -> None:
        self._roots = roots
        self._private = private

    def resolve(self, path: Path) -> Path:
        """Resolve a path, symlinks followed. Raises OutsideError or MalformedPathError."""
        return self._locate(path)[1]

    def is_root(self, path: Path) -> bool:
        """Return whether nothing above a resolved path is served."""
        return path.parent == path or not is_under(path.parent, self._real_roots())

    def private_paths(self) -> Sequence[Path]:
        """Resolve the paths that may not be reached."""
        return [Path(os.path.realpath(path)) for path in self._private()]

    @contextmanager
    def open_path(self, path: Path, *, make_parents: bool = False) -> Generator[PathHandle]:
        """Open the folder that holds `path`; if `make_parents`, create it when absent.

        Raises OutsideError, MalformedPathError and OSErrors: IsADirectoryError for a root.
        """
        folder, real = self._open_folder(path, whole=False, make=make_parents, readable=False)
        with folder:
            yield PathHandle(folder, real.name, real)

    @contextmanager
    def open_entry(self, folder: Path, name: str) -> Generator[PathHandle]:
        """Open `folder`, created when absent, for an entry `name` that is not followed when it is
        a symlink. Raises as `open_path`."""
        handle, real = self._open_folder(folder, whole=True, make=True, readable=False)
        with handle:
            self._check_private(real / name)
            yield PathHandle(handle, name, real / name)

    @contextmanager
    def open_folder(self, path: Path) -> Generator[tuple[FolderHandle, Path]]:
        """Open a folder for listing, and give its resolved path. Raises as `open_path`."""
        handle, real = self._open_folder(path, whole=True, make=False, readable=True)
        with handle:
            yield handle, real

    def open_file(self, path: Path) -> tuple[RegularFile, Path]:
        """Open a regular file, and give its resolved path. Raises as `open_path`."""
        for _ in range(MAX_ATTEMPTS):
            with suppress(SymlinkError), self.open_path(path) as handle:
                return handle.open(), handle.path
        raise OutsideError(str(path))

    def _open_folder(
        self, path: Path, *, whole: bool, make: bool, readable: bool
    ) -> tuple[FolderHandle, Path]:
        """Open the folder at `path` if `whole`, else the one that holds it."""
        for _ in range(MAX_ATTEMPTS):
            root, real = self._locate(path)
            names = real.relative_to(root).parts
            if not names and not whole:
                raise IsADirectoryError(str(path))
            if make:
                root.mkdir(parents=True, exist_ok=True)
            with suppress(SymlinkError), FolderHandle.open_traversable(root) as top:
                folder = top.descend(
                    names if whole else names[:-1], make=make, mode=FOLDER_MODE, readable=readable
                )
                location = folder.location()
                if location is None or location.is_relative_to(root):
                    return folder, real
                folder.close()
        raise OutsideError(str(path))

    def _locate(self, path: Path) -> tuple[Path, Path]:
        root, real = locate(path, self._roots)
        self._check_private(real)
        return root, real

    def _check_private(self, real: Path) -> None:
        roots = self._real_roots()
        for private in self.private_paths():
            # a root inside a private path is open all the same
            inner = [root for root in roots if root.is_relative_to(private)]
            if is_under(real, [private]) and not is_under(real, inner):
                raise OutsideError(str(real))

    def _real_roots(self) -> list[Path]:
        return [Path(os.path.realpath(root)) for root in self._roots]
