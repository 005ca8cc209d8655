"""Kinds of settings: how each is read from a text, and what to say when it can't be."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Kind:
    """How to read a text. `read` raises ValueError; `allowed` says what it takes."""

    read: Callable[[str], Any]
    allowed: str


def choice(*words: str) -> Kind:
    """A kind that takes one of these words."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return Kind(read, "one of " + ", ".join(words))


def _flag(text: str) -> bool:
    word = text.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(text)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(text)
    return seconds


def _path(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute() or "\0" in text:
        raise ValueError(text)
    return path


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


KINDS = {
    "text": Kind(str, "a text"),
    "secret": Kind(SecretStr, "a text"),
    "integer": Kind(int, "a whole number"),
    "port": Kind(_port, "a port number from 0 to 65535 (0 takes a free one)"),
    "seconds": Kind(_seconds, "a number of seconds above 0"),
    "flag": Kind(_flag, "1 or 0, true or false, yes or no"),
    "path": Kind(_path, "an absolute path; ~ is allowed"),
    "list": Kind(_words, "words with commas between them"),
    "stage": choice("local", "beta"),
    "wire": choice("docs", "spa"),
    "permission": choice("ask", "accept_edits", "bypass"),
    "level": choice("debug", "info", "warning", "error"),
}
