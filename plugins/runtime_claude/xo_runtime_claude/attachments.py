"""Files that come with a prompt, as mentions at its end: the CLI reads them and shows the model."""

import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from xo_cowork_core.sdk import FilePart

MENTIONS = re.compile(r'\n\n((?:@(?:"/[^"\n]+"|/\S+)\n?)+)\s*\Z')


def mention(text: str, paths: Iterable[Path]) -> str:
    """Put files behind a prompt."""
    lines = "\n".join(f"@{_quoted(str(path))}" for path in paths)
    return f"{text}\n\n{lines}" if lines else text


def without_mentions(text: str) -> str:
    """Return a prompt without the files behind it."""
    found = _mentions(text)
    return text[: found.start()] if found else text


def files_of(text: str) -> list[FilePart]:
    """Return the files behind a prompt."""
    found = _mentions(text)
    paths = [line[1:].strip('"') for line in found[1].splitlines()] if found else []
    return [
        FilePart(PurePath(path).name, path, mime_type=mimetypes.guess_type(path)[0] or "")
        for path in paths
    ]


def _mentions(text: str) -> re.Match[str] | None:
    # nearly every prompt ends without one: a search from each blank line would cost
    last = text.rstrip().rpartition("\n")[2]
    return MENTIONS.search(text) if last.startswith("@") else None


def _quoted(path: str) -> str:
    return f'"{path}"' if any(letter.isspace() for letter in path) else path
