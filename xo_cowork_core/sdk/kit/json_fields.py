"""Reads fields of an agent's JSON records, which may have any type or be missing."""

from collections.abc import Mapping, Sequence

from xo_cowork_core.sdk.events.base import Json, JsonValue


def string(value: JsonValue) -> str:
    """Return a string; empty for anything else."""
    return value if isinstance(value, str) else ""


def integer(value: JsonValue) -> int:
    """Return an integer; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def mapping(value: JsonValue) -> Json:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: JsonValue) -> list[Json]:
    """Return the objects of an array; none for anything else."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return []
    return [item for item in value if isinstance(item, Mapping)]
