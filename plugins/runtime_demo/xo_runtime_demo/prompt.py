"""Reads a prompt: which scenario it asks for, and what stands after that word."""

import json
import re
from collections.abc import Container
from dataclasses import dataclass

CONTEXT_MARK = "\n\n---\n\n> **Project context**"
LOOKED_AT_CHARACTERS = 400
WORD = re.compile(r"\w+")
NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Request:
    """A scenario's name, empty when the prompt names none, and the text after it."""

    scenario: str
    rest: str

    def first(self, default: str) -> str:
        """Return the first word of the rest."""
        return next(iter(self.rest.split(maxsplit=1)), default)

    def number(self, default: float, most: float) -> float:
        """Return the first word of the rest as a number, where it is one."""
        word = self.first("")
        return min(float(word), most) if NUMBER.fullmatch(word) else default


def read_prompt(text: str, names: Container[str]) -> Request:
    """Find the first word of the first line that names a scenario."""
    text = text.split(CONTEXT_MARK, 1)[0]
    first_line = text[:LOOKED_AT_CHARACTERS].split("\n", 1)[0]
    for word in WORD.finditer(first_line):
        name = word.group().lower()
        if name in names:
            return Request(name, text[word.end() :].removeprefix(" "))
    return Request("", text)


def unquoted(text: str) -> str:
    """Decode a text that is a JSON string; any other is returned as it is."""
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
