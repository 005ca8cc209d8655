"""Files that come with a prompt: `@path` mentions at its end, which the CLI reads for the model."""

import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from xo_cowork_core.sdk.runtime.history import FilePart

# the CLI trims a prompt of mentions alone
MENTIONS = re.compile(r'(?:\A|\n\n)((?:@(?:"/[^"\n]+"|/\S+)\n?)+)\s*\Z')


def append_mentions(text: str, paths: Iterable[Path]) -> str:
    """Append a mention of each file to a prompt."""
    lines = "\n".join(f"@{_quoted(str(path))}" for path in paths)
    return f"{text}\n\n{lines}" if lines else text


def strip_mentions(text: str) -> str:
    """Return a prompt without the mentions at its end."""
    match = _match_mentions(text)
    return text[: match.start()] if match else text


def mentioned_files(text: str) -> list[FilePart]:
    """Return the files that a prompt mentions at its end."""
    match = _match_mentions(text)
    paths = [line[1:].strip('"') for line in match[1].splitlines()] if match else []
    return [
        FilePart(PurePath(path).name, path, mime_type=mimetypes.guess_type(path)[0] or "")
        for path in paths
    ]


def _match_mentions(text: str) -> re.Match[str] | None:
    # nearly every prompt ends without one: a search from each blank line would cost
    last_line = text.rstrip().rpartition("\n")[2]
    return MENTIONS.search(text) if last_line.startswith("@") else None


def _quoted(path: str) -> str:
    return f'"{path}"' if any(letter.isspace() for letter in path) else path
