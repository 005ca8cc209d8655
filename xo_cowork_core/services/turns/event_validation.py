"""What a runtime may yield: events whose fields have the types that their class declares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from xo_cowork_core.sdk import Event, ReasoningDelta, TextDelta

DELTAS = frozenset({TextDelta, ReasoningDelta})
PREFIX = re.compile(r"(\w+\.)+")


def check(event: object) -> None:
    """Raise TypeError, with a word for the runtime's author, for what is no whole event.

    What is wrong must not get into the log of events: readers and the history trust it. Values in
    `arguments` and `metadata` are an agent's own and not looked at.
    """
    # nearly all events are these: nothing slower for them
    if type(event) in DELTAS and type(event.text) is str:  # pyright: ignore
        return
    if not isinstance(event, Event):
        raise TypeError(f"run yielded {type(event).__name__}, which is no Event")
    for name, hint in _hints(type(event)).items():
        value = getattr(event, name)
        if not _fits(value, hint):
            raise TypeError(
                f"{type(event).__name__}.{name} must be {_told(hint)}, {_not(value, hint)}"
            )


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _fits(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return isinstance(value, hint) and _fields_fit(value)  # pyright: ignore
    if origin is Literal:
        return value in get_args(hint)
    if origin is Sequence:
        return _all_fit(value, get_args(hint)[0])
    if origin is None or origin is Mapping:
        return isinstance(value, (int, float) if hint is float else origin or hint)
    return any(_fits(value, each) for each in get_args(hint))


def _fields_fit(value: object) -> bool:
    return all(_fits(getattr(value, name), hint) for name, hint in _hints(type(value)).items())


def _all_fit(values: object, hint: Any) -> bool:
    if not isinstance(values, (list, tuple)):
        return False
    return all(_fits(value, hint) for value in cast("Sequence[object]", values))


def _told(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return hint.__name__ if isinstance(hint, type) else PREFIX.sub("", str(hint))


def _not(value: object, hint: Any) -> str:
    """Name what came by its type: the value may be content."""
    same = isinstance(value, hint) if isinstance(hint, type) else is_dataclass(value)
    return f"not {type(value).__name__}" + (" with fields of other types" if same else "")
