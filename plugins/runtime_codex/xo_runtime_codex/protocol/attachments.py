"""Files that come with a prompt: images for the model's eyes, others named behind the words.

Codex's own mentions of files are for people alone: the model hears nothing of them.
"""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from xo_cowork_core.sdk import FilePart, Turn, shown

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MARK = "\n\nAttached files:\n"
LISTED = re.compile(re.escape(MARK) + r"((?:- /[^\n]+\n?)+)\s*\Z")


def images(turn: Turn) -> list[Mapping[str, Any]]:
    """Return the images of a turn as items of its input."""
    found = [item for item in turn.attachments if item.mime_type in IMAGE_TYPES]
    return [{"type": "localImage", "path": str(item.path)} for item in found]


def listing(turn: Turn) -> str:
    """Return what goes behind a prompt for its other files; empty without any."""
    others = [item for item in turn.attachments if item.mime_type not in IMAGE_TYPES]
    return MARK + "\n".join(f"- {item.path}" for item in others) if others else ""


def said_in(text: str) -> str:
    """Return what a person wrote, without what stands behind it."""
    found = _listed(text)
    return shown(text[: found.start()] if found else text).rstrip()


def files_in(text: str, content: object) -> list[FilePart]:
    """Return the files of a prompt: those that its text lists, and those that are items of it."""
    found = _listed(text)
    paths = [line.removeprefix("- ") for line in found[1].splitlines()] if found else []
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


def _listed(text: str) -> re.Match[str] | None:
    return LISTED.search(text, text.rfind(MARK)) if MARK in text else None
