"""Writes and reads files below one folder, never outside it."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
PART_BYTES = 100
PARTS = 8


def safe_name(name: str, default: str) -> str:
    """Return a relative path without root, dots and long parts; `default` when nothing is left."""
    parts = [
        part[:PART_BYTES]
        for part in PurePosixPath(name.replace("\0", "")).parts
        if part.strip("./") and len(part.encode()) <= PART_BYTES
    ]
    return "/".join(parts[:PARTS]) or default


def write_below(root: Path, name: str, content: str) -> None:
    """Write a file at the relative path `name`. Raises OSError, also for a symlink on the path."""
    with ExitStack() as opened, os.fdopen(_open(root, name, WRITE, opened), "wb") as file:
        file.write(content.encode())


def read_below(root: Path, name: str) -> str:
    """Read a file at the relative path `name`. Raises OSError as `write_below` does."""
    with ExitStack() as opened, os.fdopen(_open(root, name, os.O_RDONLY, opened), "rb") as file:
        return file.read().decode(errors="replace")


def _open(root: Path, name: str, flags: int, opened: ExitStack) -> int:
    # each step is taken from the folder that is already open: between a check of
    # the whole path and its opening, a folder could be replaced by a symlink
    *folders, last = _parts(name)
    folder_fd = _track(os.open(root, os.O_RDONLY | os.O_DIRECTORY), opened)
    for folder in folders:
        if flags & os.O_CREAT:
            _make(folder, folder_fd)
        flags_down = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        folder_fd = _track(os.open(folder, flags_down, dir_fd=folder_fd), opened)
    # O_NONBLOCK: a named pipe in the file's place must not hang the thread
    return os.open(last, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666, dir_fd=folder_fd)


def _parts(name: str) -> Sequence[str]:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        raise OSError(f"not a path below the folder: {name!r}")
    return parts


def _make(folder: str, parent: int) -> None:
    try:
        os.mkdir(folder, dir_fd=parent)
    except FileExistsError:
        return


def _track(descriptor: int, opened: ExitStack) -> int:
    opened.callback(os.close, descriptor)
    return descriptor
