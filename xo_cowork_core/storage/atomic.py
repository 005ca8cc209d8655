"""Replaces whole files atomically and durably."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.new")


def write_atomic(
    path: Path, content: bytes, *, mode: int = 0o600, staging: Path | None = None
) -> None:
    """Write `content` beside `path`, flush it to the disk, and rename it over `path`.

    The file has `mode` from its creation, whatever the umask; a missing folder is created with
    0700. `staging` is where to write first, for a caller that keeps other writers out: what a
    killed process left there is replaced. Raises OSError; then the old file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # not derived from the file's name, which may have the greatest possible length
    new_path = staging or path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        if staging:
            staging.unlink(missing_ok=True)
        handle = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new_path.replace(path)
    except BaseException:
        with suppress(OSError):
            new_path.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Delete the new files that a killed process left in a folder, which may not exist.

    Only for a folder that no other process writes to. Raises OSError.
    """
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if UNFINISHED.fullmatch(entry.name):
                (folder / entry.name).unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename survive a power loss, where the file system allows it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
