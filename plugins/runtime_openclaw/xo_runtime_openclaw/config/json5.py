"""JSON5 read with places: every value knows where it stands in the text. Pure.

The grammar is that of json5.org; what is read here is what OpenClaw reads.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from xo_cowork_core.sdk import JsonValue

MAX_DEPTH = 128
TRIVIA = re.compile(r"(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
NAME = re.compile(r"(?:[^\W\d]|[$_]|\\u[0-9a-fA-F]{4})(?:[\w$\u200c\u200d]|\\u[0-9a-fA-F]{4})*")
NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F]+|Infinity|NaN|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
)
STRING = re.compile(
    r'"(?:[^"\\\n\r]|\\(?:\r\n|.|[\n\r]))*"' + r"|'(?:[^'\\\n\r]|\\(?:\r\n|.|[\n\r]))*'", re.DOTALL
)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|.|[\n\r]))", re.DOTALL)
ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
LINE_ENDS = frozenset({"\n", "\r", "\r\n", "\u2028", "\u2029"})
WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}


class Json5Error(ValueError):
    """The text is no JSON5. The message names the line."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value: `text[start:end]`. `members` and `items` are what is in an object or array."""

    start: int
    end: int
    value: JsonValue = None
    members: list["Member"] | None = None
    items: list["Node"] | None = None

    def member(self, key: str) -> "Member | None":
        """Find a member; of equal keys the last counts, as it does for OpenClaw."""
        found = [member for member in self.members or () if member.key == key]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Member:
    """A key, which begins at `start`, and its value."""

    key: str
    start: int
    node: Node = field(repr=False)


def parse(text: str) -> Node:
    """Read a text. Raises Json5Error."""
    return _Reader(text).document()


def plain(node: Node) -> JsonValue:
    """Return a node's value without places."""
    if node.members is not None:
        return {member.key: plain(member.node) for member in node.members}
    if node.items is not None:
        return [plain(item) for item in node.items]
    return node.value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def document(self) -> Node:
        self._pass_trivia()
        node = self._value()
        self._pass_trivia()
        if self._at < len(self._text):
            self._fail("something follows the value")
        return node

    def _value(self) -> Node:
        start = self._at
        first = self._text[start : start + 1]
        if not first:
            self._fail("the text ends too early")
        if first in "{[":
            return self._nested(self._object if first == "{" else self._array)
        return self._scalar(start)

    def _nested(self, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail("it is nested too deeply")
        node = read()
        self._depth -= 1
        return node

    def _object(self) -> Node:
        start = self._at
        members: list[Member] = []
        while self._more("}", first=not members):
            key_at = self._at
            key = self._key()
            self._pass_trivia()
            self._take(":")
            self._pass_trivia()
            members.append(Member(key, key_at, self._value()))
        return Node(start, self._at, members=members)

    def _array(self) -> Node:
        start = self._at
        items: list[Node] = []
        while self._more("]", first=not items):
            items.append(self._value())
        return Node(start, self._at, items=items)

    def _more(self, closing: str, *, first: bool) -> bool:
        """Pass to the next member or item, or past the closing bracket."""
        if first:
            self._at += 1
        self._pass_trivia()
        if not first and self._text[self._at : self._at + 1] != closing:
            self._take(",")
            self._pass_trivia()
        if self._text[self._at : self._at + 1] == closing:
            self._at += 1
            return False
        return True

    def _key(self) -> str:
        if self._text[self._at : self._at + 1] in {'"', "'"}:
            return self._string()
        found = NAME.match(self._text, self._at)
        if not found:
            self._fail("a key is missing")
        self._at = found.end()
        return ESCAPE.sub(_unescape, found[0])

    def _scalar(self, start: int) -> Node:
        if self._text[start] in "\"'":
            value = self._string()
            return Node(start, self._at, value)
        if found := NUMBER.match(self._text, start):
            self._at = found.end()
            return Node(start, self._at, _number(found[0]))
        found = NAME.match(self._text, start)
        if not found or found[0] not in WORDS:
            self._fail("a value is missing")
        self._at = found.end()
        return Node(start, self._at, WORDS[found[0]])

    def _string(self) -> str:
        found = STRING.match(self._text, self._at)
        if not found:
            self._fail("a string does not end")
        self._at = found.end()
        return ESCAPE.sub(_unescape, found[0][1:-1])

    def _take(self, wanted: str) -> None:
        if self._text[self._at : self._at + 1] != wanted:
            self._fail(f"{wanted!r} is missing")
        self._at += 1

    def _pass_trivia(self) -> None:
        found = TRIVIA.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _fail(self, why: str) -> NoReturn:
        line = self._text.count("\n", 0, self._at) + 1
        raise Json5Error(f"line {line}: {why}")


def _unescape(found: "re.Match[str]") -> str:
    if digits := found[1] or found[2]:
        return chr(int(digits, 16))
    other = found[3]
    return "" if other in LINE_ENDS else ESCAPED.get(other, other)


def _number(text: str) -> int | float:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if digits[:2].lower() == "0x":
        return sign * int(digits, 16)
    if digits == "Infinity":
        return sign * float("inf")
    if digits == "NaN":
        return float("nan")
    return sign * (int(digits) if digits.isdecimal() else float(digits))
