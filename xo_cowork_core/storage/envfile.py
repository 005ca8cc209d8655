"""Env files on disk: private, replaced as a whole, changed by one writer at a time.

`env_lines` knows their text. A file that cannot be read is never replaced.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.storage.atomic import write_atomic
from xo_cowork_core.storage.env_lines import entries_of

MAX_FILE_BYTES = 8 << 20
LOCK_SECONDS = 5.0
POLL_SECONDS = 0.002
BYTE_ORDER_MARK = "\ufeff"


class EnvFileContent(NamedTuple):
    """The entries of a file in their order; `damaged` are keys whose value is not text."""

    entries: Mapping[str, str]
    damaged: frozenset[str] = frozenset()


def staging_path(path: Path) -> Path:
    """Return where the new content of an env file is written before it replaces the old one."""
    return path.with_name(f".{path.name}.new")


def read_env_file(path: Path) -> EnvFileContent:
    """Return a file's entries, without keys that have no value; none when the file is absent.

    Raises OSError for a file that cannot be read or has more than `MAX_FILE_BYTES`.
    """
    entries = entries_of(_read_text(path).removeprefix(BYTE_ORDER_MARK))
    damaged = frozenset(key for key, value in entries.items() if _is_damaged(value))
    return EnvFileContent({k: v for k, v in entries.items() if k not in damaged}, damaged)


def change_env_file(path: Path, change: Callable[[str], str]) -> None:
    """Replace a file's text under its lock; an unchanged text is not written again.

    Where `path` is a symbolic link, the file that it leads to is replaced. What `change` raises
    passes, and OSError; then nothing has changed.
    """
    target = _resolve(path)
    _make_folder(target.parent)
    with _locked(target.with_name(f"{target.name}.lock")):
        before = _read_text(target)
        mark = BYTE_ORDER_MARK if before.startswith(BYTE_ORDER_MARK) else ""
        after = mark + change(before.removeprefix(BYTE_ORDER_MARK))
        if after == before and _has_right_mode(target):
            return
        content = after.encode("utf-8", errors="surrogateescape")
        if len(content) > MAX_FILE_BYTES:
            raise OSError(f"it would have more than {MAX_FILE_BYTES >> 20} MB")
        write_atomic(target, content, staging=staging_path(target))


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError:
        raise OSError("its symbolic links form a loop") from None


def _make_folder(folder: Path) -> None:
    """Create a missing folder with mode 0700, whatever the umask; an existing one stays."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)


def _read_text(path: Path) -> str:
    """Return the text; bytes that are not UTF-8 become surrogates, which are written back."""
    try:
        # a pipe or device in the file's place must not block
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file")
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(f"it has more than {MAX_FILE_BYTES >> 20} MB")
    return data.decode("utf-8", errors="surrogateescape")


def _is_damaged(value: str) -> bool:
    return "\0" in value or any("\udc80" <= char <= "\udcff" for char in value)


def _has_right_mode(path: Path) -> bool:
    try:
        return stat.S_IMODE(path.stat().st_mode) == 0o600
    except FileNotFoundError:
        return True


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Keep other writers out, those of other threads and of other processes.

    The kernel releases the lock when the process ends. Raises OSError after `LOCK_SECONDS`.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        _wait_for_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError("another program holds its lock") from None
            time.sleep(POLL_SECONDS)
