"""Writes and reads below one folder and never outside it."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
PART_BYTES = 100
PARTS = 8


def safe_name(name: str, default: str) -> str:
    """Keep of a relative path what may stand in one: no root, no dots, no long parts."""
    parts = [
        part[:PART_BYTES]
        for part in PurePosixPath(name.replace("\0", "")).parts
        if part.strip("./") and len(part.encode()) <= PART_BYTES
    ]
    return "/".join(parts[:PARTS]) or default


def write_below(root: Path, name: str, content: str) -> None:
    """Write a file at the relative path `name`. Raises OSError, also where a link is on the way."""
    with ExitStack() as opened, os.fdopen(_open(root, name, WRITE, opened), "wb") as file:
        file.write(content.encode())


def read_below(root: Path, name: str) -> str:
    """Read a file at the relative path `name`. Raises OSError as `write_below` does."""
    with ExitStack() as opened, os.fdopen(_open(root, name, os.O_RDONLY, opened), "rb") as file:
        return file.read().decode(errors="replace")


def _open(root: Path, name: str, flags: int, opened: ExitStack) -> int:
    # each step is taken from the folder that is already open: a path that is checked first and
    # opened later can be swapped for a link in between
    *folders, last = _parts(name)
    here = _step(os.open(root, os.O_RDONLY | os.O_DIRECTORY), opened)
    for folder in folders:
        if flags & os.O_CREAT:
            _make(folder, here)
        flags_down = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        here = _step(os.open(folder, flags_down, dir_fd=here), opened)
    # O_NONBLOCK: a named pipe in the file's place must not hang the thread
    return os.open(last, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666, dir_fd=here)


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


def _step(descriptor: int, opened: ExitStack) -> int:
    opened.callback(os.close, descriptor)
    return descriptor
