"""Locate the values of a JSON5 text: the characters that each one spans. Pure.

`pyjson5` reads values without their positions. This module finds the positions alone, in a text
that `pyjson5` has accepted, so it checks no grammar.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from xo_runtime_openclaw.json5_reader import read_json5

TRIVIA = r"(?>(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*(?s:.*?)\*/)*)"
STRING = r'"(?:[^"\\]|\\(?s:.))*"|' + r"'(?:[^'\\]|\\(?s:.))*'"
LEXEME = re.compile(rf"{TRIVIA}(?P<lexeme>[{{}}\[\]:,]|{STRING}|[^\s\ufeff{{}}\[\]:,\"'/]+)")
Match: TypeAlias = "re.Match[str]"


class Node(NamedTuple):
    """A value, `text[start:end]`, with its members (object) or items (array)."""

    start: int
    end: int
    members: list["Member"] | None = None
    items: list["Node"] | None = None

    def member(self, key: str) -> "Member | None":
        """Return the member of this key; of equal keys the last, as OpenClaw does."""
        matches = [member for member in self.members or () if member.key == key]
        return matches[-1] if matches else None


class Member(NamedTuple):
    """A key, which begins at `start`, and its value, which ends at `end`."""

    key: str
    start: int
    node: Node

    @property
    def end(self) -> int:
        return self.node.end


def locate(text: str) -> Node:
    """Return the root value with its position. Raises Json5Error."""
    read_json5(text)
    matches = LEXEME.finditer(text)
    return _value(next(matches), matches)


def _value(match: Match, matches: Iterator[Match]) -> Node:
    match match["lexeme"]:
        case "{":
            return _object(match, matches)
        case "[":
            return _array(match, matches)
    return Node(match.start("lexeme"), match.end())


def _object(opening: Match, matches: Iterator[Match]) -> Node:
    members: list[Member] = []
    while (match := next(matches))["lexeme"] != "}":
        if match["lexeme"] != ",":
            next(matches)  # the colon
            value = _value(next(matches), matches)
            members.append(Member(_key(match["lexeme"]), match.start("lexeme"), value))
    return Node(opening.start("lexeme"), match.end(), members=members)


def _array(opening: Match, matches: Iterator[Match]) -> Node:
    items: list[Node] = []
    while (match := next(matches))["lexeme"] != "]":
        if match["lexeme"] != ",":
            items.append(_value(match, matches))
    return Node(opening.start("lexeme"), match.end(), items=items)


def _key(lexeme: str) -> str:
    if lexeme[0] not in "\"'" and "\\" not in lexeme:
        return lexeme
    pair = read_json5(f"{{{lexeme}: 0}}")
    return next(iter(pair)) if isinstance(pair, dict) else lexeme
