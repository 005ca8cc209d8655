"""Attachments of a prompt: images as input items, other files listed after the text.

Codex does not pass its own file mentions on to the model.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from xo_cowork_core.sdk import Turn
from xo_cowork_core.sdk.kit import strip_context
from xo_cowork_core.sdk.runtime.history import FilePart

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
TITLE = "Attached files:\n"
HEADING = f"\n\n{TITLE}"
# without a text, the blank line before it may be trimmed
LISTING = re.compile(rf"(?:\A\s*|\n\n){re.escape(TITLE)}" + r"((?:- /[^\n]+\n?)+)\s*\Z")


def images(turn: Turn) -> list[Mapping[str, Any]]:
    """Return the images of a turn as items of its input."""
    return [
        {"type": "localImage", "path": str(item.path)}
        for item in turn.attachments
        if item.mime_type in IMAGE_TYPES
    ]


def listing(turn: Turn) -> str:
    """Return the list of other files that is added to a prompt; empty without any."""
    others = [item for item in turn.attachments if item.mime_type not in IMAGE_TYPES]
    return HEADING + "\n".join(f"- {item.path}" for item in others) if others else ""


def user_text(text: str) -> str:
    """Return the text that the user wrote, without context and file list."""
    listing_match = _find_listing(text)
    return strip_context(text[: listing_match.start()] if listing_match else text).rstrip()


def files_in(text: str, content: object) -> list[FilePart]:
    """Return the files of a prompt: those listed in its text and those among its items."""
    listing_match = _find_listing(text)
    lines = listing_match[1].splitlines() if listing_match else []
    paths = [line.removeprefix("- ") for line in lines]
    blocks = content if isinstance(content, list) else []
    items = [block for block in blocks if isinstance(block, Mapping)]
    return [
        *(FilePart(PurePath(path).name, path) for path in paths),
        *(
            FilePart(str(item.get("name") or item["path"]).rpartition("/")[2], item["path"])
            for item in items
            if isinstance(item.get("path"), str)
        ),
    ]


def _find_listing(text: str) -> re.Match[str] | None:
    if text.lstrip().startswith(TITLE) and (whole := LISTING.match(text)):
        return whole
    return LISTING.search(text, text.rfind(HEADING)) if HEADING in text else None
