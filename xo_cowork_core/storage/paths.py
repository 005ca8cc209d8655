"""Text to path: expands what a client sent, resolves symlinks, keeps paths under the allowed roots.

A result holds for the moment of the call only; `storage.rooted_fs` opens files and folders so that
it also holds afterwards.
"""

import os
from collections.abc import Sequence
from pathlib import Path

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095


class OutsideError(Exception):
    """The path lies outside every allowed root, or is private."""


class MalformedPathError(Exception):
    """The text is not an absolute path: relative, with a NUL, too long, or not Unicode; or it
    leads to a name that is not Unicode."""


def expand(text: str, home: Path) -> Path:
    """Return the path for `~`, `~/…` or an absolute path. Raises MalformedPathError."""
    if "\0" in text:
        raise MalformedPathError(text)
    if text == "~" or text.startswith("~/"):
        text = f"{home}/{text[2:]}"
    if not text.startswith("/") or not is_unicode(text):
        raise MalformedPathError(text)
    _check_lengths(text)
    return Path(text)


def is_unicode(name: str) -> bool:
    """Return whether a name can be sent to a client: not every name on a disk is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def clamp(path: Path, roots: Sequence[Path]) -> Path:
    """Resolve `path`, symlinks followed, and return it if it lies under one of `roots`.

    Compares whole components, so that `/home/ann2` is not under `/home/ann`. The path need not
    exist. Blocks, because symlinks are read. Raises OutsideError or MalformedPathError.
    """
    return locate(path, roots)[1]


def locate(path: Path, roots: Sequence[Path]) -> tuple[Path, Path]:
    """Resolve as `clamp` does; return the resolved root that contains the path, and the path.

    Of nested roots, the outermost is returned.
    """
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise MalformedPathError(str(path)) from error
    if not is_unicode(str(real)):
        # the target of a symlink: its path can be neither sent to a client nor sent back
        raise MalformedPathError(str(path))
    real_roots = sorted(
        (Path(os.path.realpath(root)) for root in roots), key=lambda root: len(str(root))
    )
    for root in real_roots:
        if real.is_relative_to(root):
            return root, real
    raise OutsideError(str(path))


def is_under(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether a resolved path is, or lies in, one of `folders`, by its text alone."""
    return any(path.is_relative_to(folder) for folder in folders)


def _check_lengths(text: str) -> None:
    encoded = text.encode()
    longest = max(len(part) for part in encoded.split(b"/"))
    if longest > MAX_NAME_BYTES or len(encoded) > MAX_PATH_BYTES:
        raise MalformedPathError(text)
