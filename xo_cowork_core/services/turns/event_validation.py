"""Validates what a runtime yields: events whose fields have the types that their class declares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from xo_cowork_core.sdk import Event, ReasoningDelta, TextDelta

DELTAS = frozenset({TextDelta, ReasoningDelta})
MODULE_PREFIX = re.compile(r"(\w+\.)+")


def validate_event(event: object) -> None:
    """Raise TypeError, with a message for the runtime's author, for an invalid event.

    Readers and the history trust the event log, so an invalid event must not enter it. Values in
    `arguments` and `metadata` are the agent's own and are not validated.
    """
    # nearly all events are deltas: they take the shortest path
    if type(event) in DELTAS and type(event.text) is str:  # pyright: ignore
        return
    if not isinstance(event, Event):
        raise TypeError(f"run yielded {type(event).__name__}, which is no Event")
    for name, hint in _field_hints(type(event)).items():
        value = getattr(event, name)
        if not _matches(value, hint):
            raise TypeError(
                f"{type(event).__name__}.{name} must be {_describe_hint(hint)},"
                f" {_describe_mismatch(value, hint)}"
            )


@cache
def _field_hints(event_class: type) -> Mapping[str, Any]:
    hints = get_type_hints(event_class)
    return {field.name: hints[field.name] for field in fields(event_class)}


def _matches(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return isinstance(value, hint) and _fields_match(value)  # pyright: ignore
    if origin is Literal:
        return value in get_args(hint)
    if origin is Sequence:
        return _items_match(value, get_args(hint)[0])
    if origin is None or origin is Mapping:
        return isinstance(value, (int, float) if hint is float else origin or hint)
    return any(_matches(value, member) for member in get_args(hint))


def _fields_match(value: object) -> bool:
    hints = _field_hints(type(value))
    return all(_matches(getattr(value, name), hint) for name, hint in hints.items())


def _items_match(values: object, hint: Any) -> bool:
    if not isinstance(values, (list, tuple)):
        return False
    return all(_matches(value, hint) for value in cast("Sequence[object]", values))


def _describe_hint(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return hint.__name__ if isinstance(hint, type) else MODULE_PREFIX.sub("", str(hint))


def _describe_mismatch(value: object, hint: Any) -> str:
    """Name the type of the value; the value itself may be content."""
    is_instance = isinstance(value, hint) if isinstance(hint, type) else is_dataclass(value)
    fields_differ = " with fields of other types" if is_instance else ""
    return f"not {type(value).__name__}{fields_differ}"
