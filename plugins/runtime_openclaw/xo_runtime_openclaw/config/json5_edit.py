"""Edit a JSON5 text and leave the rest of it, comments included, as it is. Pure."""

import copy
import json
import re
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from xo_cowork_core.sdk import JsonValue
from xo_runtime_openclaw.config.json5_nodes import TRIVIA, Member, Node, locate
from xo_runtime_openclaw.json5_reader import Json5Error

Path: TypeAlias = tuple[str | int, ...]
INDENT = "  "
COMMA = re.compile(rf"{TRIVIA},")
LINE_REST = re.compile(r"[ \t]*(?://[^\n]*)?\r?\n")


class SetValue(NamedTuple):
    """Set the value at `path`; missing objects on the path are created.

    In an array a number replaces an item; the array's length appends one.
    """

    path: Path
    value: JsonValue


class RemoveValue(NamedTuple):
    """Remove the member or item at `path`, if there is one."""

    path: Path


Edit: TypeAlias = SetValue | RemoveValue


def apply_to_text(text: str, edits: Sequence[Edit]) -> str:
    """Return the edited text.

    Raises Json5Error when the text is not JSON5, or a path leads through a value that is neither
    an object nor an array.
    """
    for edit in edits:
        text = (
            _set(text, edit.path, edit.value) if isinstance(edit, SetValue) else _remove(text, edit)
        )
    return text


def apply_to_value(value: JsonValue, edits: Sequence[Edit]) -> JsonValue:
    """Return the edited value: what the edited text must mean."""
    result = copy.deepcopy(value)
    for edit in edits:
        result = _edited(result, edit.path, edit)
    return result


def _set(text: str, path: Path, value: JsonValue) -> str:
    node = locate(text)
    for depth, step in enumerate(path):
        child = _child(node, step)
        if child is None:
            return _insert(text, node, step, _nested(path[depth + 1 :], value))
        node = child
    written = _serialize(value, _indent(text, node.start))
    return text[: node.start] + written + text[node.end :]


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(step, str):
        if node.members is None:
            raise Json5Error(f"an object is expected around {step!r}")
        member = node.member(step)
        return member.node if member else None
    if node.items is None:
        raise Json5Error("a list is expected")
    return node.items[step] if step < len(node.items) else None


def _nested(path: Path, value: JsonValue) -> JsonValue:
    """Wrap a value in the objects and arrays of a path."""
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def _insert(text: str, node: Node, step: str | int, value: JsonValue) -> str:
    """Add a member or item after the last one, in the layout of its siblings."""
    siblings = _siblings(node)
    key = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    outer = _indent(text, node.start)
    if not siblings:
        body = f"\n{outer}{INDENT}{key}{_serialize(value, outer + INDENT)}\n{outer}"
        inside = text[node.start + 1 : node.end - 1].rstrip()
        return text[: node.start + 1] + inside + body + text[node.end - 1 :]
    last = siblings[-1].end
    comma = COMMA.match(text, last, node.end)
    after_comma = comma.end() if comma else last
    rest = text[after_comma : node.end - 1]
    if "\n" in text[node.start : siblings[0].start]:
        inner = _indent(text, siblings[0].start)
        member_text = f"\n{inner}{key}{_serialize(value, inner)}{',' if comma else ''}"
        kept = rest.rstrip()
        rest = kept + member_text + (rest[len(kept) :] or f"\n{outer}")
    else:
        line_end = "\n" if "//" in rest else ""
        rest = f" {key}{_serialize(value, outer)}" + (f"{line_end}{rest}" if rest.strip() else rest)
    separator = text[last:after_comma] if comma else ","
    return text[:last] + separator + rest + text[node.end - 1 :]


def _remove(text: str, edit: RemoveValue) -> str:
    while True:
        node = locate(text)
        for step in edit.path[:-1]:
            child = _child(node, step)
            if child is None:
                return text
            node = child
        step = edit.path[-1]
        target = node.member(step) if isinstance(step, str) else _child(node, step)
        if target is None:
            return text
        text = _cut_out(text, node, target)
        if isinstance(step, int):
            return text


def _cut_out(text: str, node: Node, target: Member | Node) -> str:
    siblings = _siblings(node)
    index = siblings.index(target)
    start, end = target.start, target.end
    if comma := COMMA.match(text, end, node.end):
        end = comma.end()
    elif index and (before := COMMA.match(text, siblings[index - 1].end, node.end)):
        # remove the comma before the target, but not the comments between them
        comma_at = before.end() - 1
        text = text[:comma_at] + text[comma_at + 1 :]
        start, end = len(text[: start - 1].rstrip(" \t")), end - 1
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip() and (line_rest := LINE_REST.match(text, end)):
        start, end = line, line_rest.end()
    return text[:start] + text[end:]


def _siblings(node: Node) -> Sequence[Member | Node]:
    return node.members if node.members is not None else node.items or []


def _indent(text: str, offset: int) -> str:
    line = text.rfind("\n", 0, offset) + 1
    return text[line : len(text) - len(text[line:].lstrip(" \t"))] if line < len(text) else ""


def _serialize(value: JsonValue, indent: str) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=len(INDENT))
    return text.replace("\n", f"\n{indent}")


def _edited(value: JsonValue, path: Path, edit: Edit) -> JsonValue:
    if not path:
        return copy.deepcopy(edit.value) if isinstance(edit, SetValue) else value
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and isinstance(step, str):
        if isinstance(edit, RemoveValue) and (not rest or step not in value):
            value.pop(step, None)
        elif step in value:
            value[step] = _edited(value[step], rest, edit)
        elif isinstance(edit, SetValue):
            value[step] = _nested(rest, edit.value)
    elif isinstance(value, list) and isinstance(step, int):
        if step < len(value) and isinstance(edit, RemoveValue) and not rest:
            del value[step]
        elif step < len(value):
            value[step] = _edited(value[step], rest, edit)
        elif isinstance(edit, SetValue):
            value.append(_nested(rest, edit.value))
    return value
