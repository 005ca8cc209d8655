"""Parses a prompt: the scenario that it names and the arguments after that word."""

import json
import re
from collections.abc import Container
from typing import NamedTuple

from xo_cowork_core.sdk.kit import strip_context

SEARCHED_CHARACTERS = 400
WORD = re.compile(r"\w+")
NUMBER = re.compile(r"\d+(\.\d+)?")


class ScenarioRequest(NamedTuple):
    """A scenario's word, empty when the prompt names none, and the text after it."""

    scenario: str
    arguments: str

    def first_word(self, default: str) -> str:
        """Return the first argument."""
        return next(iter(self.arguments.split(maxsplit=1)), default)

    def number(self, default: float, maximum: float) -> float:
        """Return the first argument as a number, at most `maximum`; `default` for anything else."""
        word = self.first_word("")
        return min(float(word), maximum) if NUMBER.fullmatch(word) else default


def parse_prompt(text: str, names: Container[str]) -> ScenarioRequest:
    """Find the first word in the prompt's first line that names a scenario."""
    text = strip_context(text)
    first_line = text[:SEARCHED_CHARACTERS].split("\n", 1)[0]
    for word in WORD.finditer(first_line):
        name = word.group().lower()
        if name in names:
            return ScenarioRequest(name, text[word.end() :].removeprefix(" "))
    return ScenarioRequest("", text)


def decode_json_string(text: str) -> str:
    """Return the value of a text that is a JSON string, and any other text unchanged."""
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
