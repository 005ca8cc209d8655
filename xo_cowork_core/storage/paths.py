"""Where a path truly lies."""

import os
from collections.abc import Sequence
from pathlib import Path


class OutsideError(Exception):
    """The path lies outside every allowed root."""


class MalformedPathError(Exception):
    """The text is no absolute path: relative, or with a NUL in it."""


def expand(text: str, home: Path) -> Path:
    """Turn `~`, `~/…` or an absolute path into a Path; raises MalformedPathError for the rest."""
    if "\0" in text:
        raise MalformedPathError(text)
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    if not text.startswith("/"):
        raise MalformedPathError(text)
    return Path(text)


def clamp(path: Path, roots: Sequence[Path]) -> Path:
    """Resolve `path`, symlinks followed, and return it if it lies under one of `roots`.

    Compares whole components, so that `/home/ann2` is not under `/home/ann`. The path need not
    exist. Blocks: symlinks are read from disk.
    """
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise MalformedPathError(str(path)) from error
    if any(real.is_relative_to(os.path.realpath(root)) for root in roots):
        return real
    raise OutsideError(str(path))
