"""Whole-file writes that are either done or not done, whatever happens in between."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, body: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `body`: written beside it, flushed to the platter, renamed over it.

    The file has `mode` from its creation. A missing folder is made, 0700. Raises OSError and
    leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # not from the file's name, which may be as long as a name can be
    fresh = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power loss, where the file system lets us."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
