"""Where a path truly lies: text to path, symlinks followed, kept under the allowed roots.

What is decided here holds for the moment of the look only; `storage.beneath` opens things so that
it also holds afterwards.
"""

import os
from collections.abc import Sequence
from pathlib import Path

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095


class OutsideError(Exception):
    """The path lies outside every allowed root, or in a private place."""


class MalformedPathError(Exception):
    """The text is no absolute path: relative, with a NUL in it, too long, or not Unicode; or what
    it leads to has a name that isn't."""


def expand(text: str, home: Path) -> Path:
    """Turn `~`, `~/…` or an absolute path into a Path; raises MalformedPathError for the rest."""
    if "\0" in text:
        raise MalformedPathError(text)
    if text == "~" or text.startswith("~/"):
        text = f"{home}/{text[2:]}"
    if not text.startswith("/") or not is_unicode(text):
        raise MalformedPathError(text)
    _check_lengths(text)
    return Path(text)


def is_unicode(name: str) -> bool:
    """Whether a name can be told to a client: not every byte on a disk is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_lengths(text: str) -> None:
    encoded = text.encode()
    longest = max(len(part) for part in encoded.split(b"/"))
    if longest > MAX_NAME_BYTES or len(encoded) > MAX_PATH_BYTES:
        raise MalformedPathError(text)


def clamp(path: Path, roots: Sequence[Path]) -> Path:
    """Resolve `path`, symlinks followed, and return it if it lies under one of `roots`.

    Compares whole components, so that `/home/ann2` is not under `/home/ann`. The path need not
    exist. Blocks: symlinks are read from disk.
    """
    return locate(path, roots)[1]


def locate(path: Path, roots: Sequence[Path]) -> tuple[Path, Path]:
    """Resolve as `clamp` does; return the resolved root that contains the path, then the path.

    Where roots are nested it is the outermost that counts.
    """
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise MalformedPathError(str(path)) from error
    if not is_unicode(str(real)):
        # a link led there: no client could be told of this place, and none could name it again
        raise MalformedPathError(str(path))
    bases = sorted(
        (Path(os.path.realpath(root)) for root in roots), key=lambda base: len(str(base))
    )
    for base in bases:
        if real.is_relative_to(base):
            return base, real
    raise OutsideError(str(path))


def is_under(path: Path, places: Sequence[Path]) -> bool:
    """Whether a resolved path is one of `places` or lies in one, by its text alone."""
    return any(path.is_relative_to(place) for place in places)
