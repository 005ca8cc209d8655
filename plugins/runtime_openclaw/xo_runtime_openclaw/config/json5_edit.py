"""Changes to a JSON5 text that leave the rest of it, comments included, as it was. Pure."""

import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xo_cowork_core.sdk import JsonValue
from xo_runtime_openclaw.config.json5 import TRIVIA, Json5Error, Member, Node, parse

Path: TypeAlias = tuple[str | int, ...]
STEP = "  "
# atomic: a comma inside a comment is none
COMMA = re.compile(rf"(?>{TRIVIA.pattern}),", re.DOTALL)
TRAIL = re.compile(r"[ \t]*(?://[^\n]*)?\r?\n")


@dataclass(frozen=True, slots=True)
class Put:
    """Set the value at `path`, whose objects are made where they are missing.

    In an array a number replaces an item; the array's length appends one.
    """

    path: Path
    value: JsonValue


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove the member or item at `path`; harmless when there is none."""

    path: Path


Edit: TypeAlias = Put | Drop


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return the changed text. Raises Json5Error when it or a place in it is not as assumed."""
    for edit in edits:
        text = _put(text, edit.path, edit.value) if isinstance(edit, Put) else _drop(text, edit)
    return text


def _put(text: str, path: Path, value: JsonValue) -> str:
    node = parse(text)
    for number, step in enumerate(path):
        child = _child(node, step)
        if child is None:
            return _insert(text, node, step, _wrapped(path[number + 1 :], value))
        node = child
    fresh = _written(value, _indent(text, node.start))
    return text[: node.start] + fresh + text[node.end :]


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(step, str):
        if node.members is None:
            raise Json5Error(f"an object is expected around {step!r}")
        member = node.member(step)
        return member.node if member else None
    if node.items is None:
        raise Json5Error("a list is expected")
    return node.items[step] if step < len(node.items) else None


def _wrapped(path: Path, value: JsonValue) -> JsonValue:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def _insert(text: str, node: Node, step: str | int, value: JsonValue) -> str:
    """Add a member or item behind the last one, in the layout of its brothers."""
    brothers = node.members if node.members is not None else node.items or []
    head = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    outer = _indent(text, node.start)
    if not brothers:
        body = f"\n{outer}{STEP}{head}{_written(value, outer + STEP)}\n{outer}"
        inside = text[node.start + 1 : node.end - 1].rstrip()
        return text[: node.start + 1] + inside + body + text[node.end - 1 :]
    last = _end(brothers[-1])
    comma = COMMA.match(text, last, node.end)
    behind = comma.end() if comma else last
    rest = text[behind : node.end - 1]
    if "\n" in text[node.start : _begin(brothers[0])]:
        inner = _indent(text, _begin(brothers[0]))
        fresh = f"\n{inner}{head}{_written(value, inner)}{',' if comma else ''}"
        kept = rest.rstrip()
        rest = kept + fresh + (rest[len(kept) :] or f"\n{outer}")
    else:
        tail = "\n" if "//" in rest else ""
        rest = f" {head}{_written(value, outer)}" + (f"{tail}{rest}" if rest.strip() else rest)
    return text[:last] + (text[last:behind] if comma else ",") + rest + text[node.end - 1 :]


def _drop(text: str, edit: Drop) -> str:
    while True:
        node = parse(text)
        for step in edit.path[:-1]:
            child = _child(node, step)
            if child is None:
                return text
            node = child
        found = _brother(node, edit.path[-1])
        if found is None:
            return text
        text = _without(text, node, found)
        if isinstance(edit.path[-1], int):
            return text


def _brother(node: Node, step: str | int) -> Member | Node | None:
    if isinstance(step, str):
        return node.member(step)
    return node.items[step] if node.items is not None and step < len(node.items) else None


def _without(text: str, node: Node, found: Member | Node) -> str:
    brothers = list(node.members if node.members is not None else node.items or [])
    place = brothers.index(found)
    start, end = _begin(found), _end(found)
    if comma := COMMA.match(text, end, node.end):
        end = comma.end()
    elif place:
        before = COMMA.match(text, _end(brothers[place - 1]), node.end)
        # the comma before it, but not the comments between them
        if before:
            cut = before.end() - 1
            text = text[:cut] + text[cut + 1 :]
            start, end = len(text[: start - 1].rstrip(" \t")), end - 1
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip() and (trail := TRAIL.match(text, end)):
        start, end = line, trail.end()
    return text[:start] + text[end:]


def _begin(found: Member | Node) -> int:
    return found.start


def _end(found: Member | Node) -> int:
    return found.node.end if isinstance(found, Member) else found.end


def _indent(text: str, at: int) -> str:
    line = text.rfind("\n", 0, at) + 1
    return text[line : len(text) - len(text[line:].lstrip(" \t"))] if line < len(text) else ""


def _written(value: JsonValue, indent: str) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=len(STEP))
    return text.replace("\n", f"\n{indent}")


def replayed(value: JsonValue, edits: Sequence[Edit]) -> JsonValue:
    """Do the same to a plain value: what the changed text must mean."""
    result = copy.deepcopy(value)
    for edit in edits:
        result = _done(result, edit.path, edit)
    return result


def _done(value: JsonValue, path: Path, edit: Edit) -> JsonValue:
    if not path:
        return copy.deepcopy(edit.value) if isinstance(edit, Put) else value
    step, rest = path[0], path[1:]
    last = not rest and isinstance(edit, Drop)
    if isinstance(value, dict) and isinstance(step, str):
        if last or (step not in value and isinstance(edit, Drop)):
            value.pop(step, None)
        elif step in value:
            value[step] = _done(value[step], rest, edit)
        else:
            value[step] = _wrapped(rest, edit.value if isinstance(edit, Put) else None)
    elif isinstance(value, list) and isinstance(step, int):
        if step >= len(value):
            value.extend([_wrapped(rest, edit.value)] if isinstance(edit, Put) else [])
        elif last:
            del value[step]
        else:
            value[step] = _done(value[step], rest, edit)
    return value
