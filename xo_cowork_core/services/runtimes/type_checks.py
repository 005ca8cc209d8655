"""Compares values that plugins return with type annotations.

One rule for every class of the SDK: a dataclass fits when each of its fields has the annotated
type. The check of an annotation is built once. Texts must be encodable, numbers finite, times must
have an offset: what passes can be stored and sent.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

from xo_cowork_core.sdk.events.base import Event
from xo_cowork_core.services.runtimes.value_words import describe_value, shorten

Fits: TypeAlias = Callable[[object], bool]
LISTS = (list, tuple)
MAX_DEPTH = 100
MAX_INTEGER = 2**63 - 1


def find_mismatch(value: object, hint: Any, place: str, *, of_agent: bool = False) -> str:
    """Return what is wrong with a value as one sentence for its author; "" when it fits.

    `place` is the call that returned it, such as `models()`. With `of_agent` the texts and JSON
    objects in it are an agent's own: any text fits, and objects are not looked into.
    """
    check = build_check(hint, of_agent)
    try:
        return "" if check.fits(value) else check.mismatch(value, place)
    except Exception as error:
        if not _is_raised_outside(error):
            raise
        # a property or a mapping of the plugin's
        return f"{place} returned {type(value).__name__}, which raised {type(error).__name__}"


@cache
def return_hint(method: Callable[..., object]) -> Any:
    """Return what a method of the SDK is declared to return."""
    return get_type_hints(method)["return"]


@cache
def build_check(hint: Any, of_agent: bool) -> "TypeCheck":
    """Return the check of an annotation."""
    if hint == return_hint(Event.data):
        return JsonCheck(of_agent)
    if scalar := (LOOSE_SCALARS if of_agent else SCALARS).get(hint):
        return scalar
    origin = get_origin(hint)
    if origin is None:
        is_plain = not is_dataclass(hint)
        return (
            InstanceCheck(hint, hint.__name__)
            if is_plain
            else DataclassCheck(cast("type", hint), of_agent)
        )
    if origin is Literal:
        return LiteralCheck(get_args(hint))
    if origin is Callable:
        return CallableCheck()
    parts = [build_check(part, of_agent) for part in get_args(hint) if part is not ...]
    return COMPOUND_CHECKS[origin](parts)


class TypeCheck(ABC):
    """The check of one annotation. `expected` names it in plain words."""

    expected: str
    # the call that makes such a value, where there is one
    constructor = ""

    @abstractmethod
    def fits(self, value: object) -> bool:
        """Return whether a value has the annotated type."""

    def is_container_of(self, value: object) -> bool:
        """Return whether only a part of a value, not the value itself, may be wrong."""
        return False

    def part_mismatch(self, value: Any, place: str) -> str:
        """Describe the part of a container that does not fit; "" when none is at fault."""
        return ""

    def mismatch(self, value: object, place: str) -> str:
        """Describe a value that does not fit, and what to write instead of a whole result."""
        if self.is_container_of(value) and (text := self.part_mismatch(value, place)):
            return text
        if not place.endswith("()"):
            return f"{place} must be {self.expected}, {describe_value(value, self.expected)}"
        text = f"{place} must return {self.expected}, {describe_value(value, self.expected)}"
        advice = f"return {self.constructor}" if self.constructor else ""
        if value is None:
            return f"{text}; does it lack its `{advice or 'return'}`?"
        return f"{text}: write `{advice}`" if advice else text


class ScalarCheck(TypeCheck):
    """A text, number, boolean or time."""

    def __init__(self, expected: str, fits: Fits, scalar_type: type, limit: str = "") -> None:
        self.expected = expected
        self._fits = fits
        self._type = scalar_type
        self._limit = limit

    def fits(self, value: object) -> bool:
        return self._fits(value)

    def is_container_of(self, value: object) -> bool:
        return type(value) is self._type

    def part_mismatch(self, value: Any, place: str) -> str:
        return f"{place} must be {self.expected} {self._limit}"


class InstanceCheck(TypeCheck):
    """An instance of a class that is no dataclass."""

    def __init__(self, instance_type: type, expected: str) -> None:
        self.expected = expected
        self._type = instance_type

    def fits(self, value: object) -> bool:
        return isinstance(value, self._type)


class CallableCheck(TypeCheck):
    """A function or another object that can be called."""

    expected = "a function"

    def fits(self, value: object) -> bool:
        return callable(value)


class LiteralCheck(TypeCheck):
    """One of some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.expected = "one of " + ", ".join(map(repr, texts))
        self._texts = texts

    def fits(self, value: object) -> bool:
        return isinstance(value, str) and value in self._texts

    def is_container_of(self, value: object) -> bool:
        return isinstance(value, str)

    def part_mismatch(self, value: Any, place: str) -> str:
        return f"{place} must be {self.expected}, not {shorten(value)}"


class JsonCheck(TypeCheck):
    """A JSON object; that of an agent is not looked into."""

    expected = "a dict that JSON can hold"

    def __init__(self, of_agent: bool) -> None:
        self._of_agent = of_agent

    def fits(self, value: object) -> bool:
        return isinstance(value, Mapping) and (
            self._of_agent or _is_json(cast("object", value), MAX_DEPTH)
        )

    def is_container_of(self, value: object) -> bool:
        return isinstance(value, Mapping)

    def part_mismatch(self, value: Any, place: str) -> str:
        return f"{place} must be {self.expected}, not one with a key or value of another type"


class ListCheck(TypeCheck):
    """A list or tuple."""

    containers: tuple[type, ...] = LISTS

    def __init__(self, parts: Sequence[TypeCheck]) -> None:
        self._item = parts[0]
        self.expected = f"a {self.containers[0].__name__} of {self._item.expected}"
        self.constructor = f"[{self._item.constructor}]" if self._item.constructor else ""

    def fits(self, value: object) -> bool:
        return self.is_container_of(value) and all(
            map(self._item.fits, cast("Sequence[object]", value))
        )

    def is_container_of(self, value: object) -> bool:
        return isinstance(value, self.containers)

    def part_mismatch(self, value: Any, place: str) -> str:
        for index, item in enumerate(value):
            if not self._item.fits(item):
                return self._item.mismatch(item, f"{place}[{index}]")
        return ""


class SetCheck(ListCheck):
    """A set or frozenset."""

    containers = (frozenset, set)


class MappingCheck(TypeCheck):
    """A mapping."""

    def __init__(self, parts: Sequence[TypeCheck]) -> None:
        self._key, self._item = parts
        self.expected = f"a dict of {self._key.expected} to {self._item.expected}"

    def fits(self, value: object) -> bool:
        return isinstance(value, Mapping) and all(
            self._key.fits(key) and self._item.fits(item)
            for key, item in cast("Mapping[object, object]", value).items()
        )

    def is_container_of(self, value: object) -> bool:
        return isinstance(value, Mapping)

    def part_mismatch(self, value: Any, place: str) -> str:
        for key, item in value.items():
            if not self._key.fits(key):
                return self._key.mismatch(key, f"{place} (a key)")
            if not self._item.fits(item):
                return self._item.mismatch(item, f"{place}[{shorten(key)}]")
        return ""


class UnionCheck(TypeCheck):
    """One of several annotations."""

    def __init__(self, parts: Sequence[TypeCheck]) -> None:
        self._parts = parts
        self.expected = " or ".join(part.expected for part in parts)

    def fits(self, value: object) -> bool:
        return any(part.fits(value) for part in self._parts)

    def is_container_of(self, value: object) -> bool:
        return any(part.is_container_of(value) for part in self._parts)

    def part_mismatch(self, value: Any, place: str) -> str:
        part = next(part for part in self._parts if part.is_container_of(value))
        return part.mismatch(value, place)


class DataclassCheck(TypeCheck):
    """An instance of a dataclass, and its fields."""

    def __init__(self, dataclass_type: type, of_agent: bool) -> None:
        hints = get_type_hints(dataclass_type)
        self._type = dataclass_type
        self._fields = [
            (field.name, build_check(hints[field.name], of_agent))
            for field in fields(dataclass_type)
        ]
        self.expected = dataclass_type.__name__
        self.constructor = f"{self.expected}({_required_fields(dataclass_type)})"

    def fits(self, value: object) -> bool:
        return self.is_container_of(value) and all(
            check.fits(getattr(value, name, MISSING)) for name, check in self._fields
        )

    def is_container_of(self, value: object) -> bool:
        return isinstance(value, self._type)

    def part_mismatch(self, value: Any, place: str) -> str:
        name_of_value = self.expected if place.endswith("()") or not place else place
        for name, check in self._fields:
            field_value = getattr(value, name, MISSING)
            if field_value is MISSING:
                own = type(cast("object", value)).__name__
                return f"{name_of_value}.{name} is missing: {own} must call super().__init__(…)"
            if not check.fits(field_value):
                return check.mismatch(field_value, f"{name_of_value}.{name}")
        return ""


def _is_raised_outside(error: Exception) -> bool:
    """Return whether the code of another module raised: what a check calls is the plugin's."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") != __name__


def _required_fields(dataclass_type: Any) -> str:
    return ", ".join(
        f"{field.name}=…"
        for field in fields(dataclass_type)
        if field.default is MISSING and field.default_factory is MISSING
    )


def _is_json(value: object, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return all(_is_text(key) and _is_json(item, depth - 1) for key, item in entries)
    if isinstance(value, LISTS):
        return all(_is_json(item, depth - 1) for item in cast("Sequence[object]", value))
    return value is None or isinstance(value, bool) or _is_text(value) or _is_number(value)


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_integer(value: object) -> bool:
    return type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER


def _is_number(value: object) -> bool:
    return _is_integer(value) or (type(value) is float and math.isfinite(value))


def _is_any_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_NONE = InstanceCheck(NoneType, "None")
_BOOLEAN = ScalarCheck("bool", lambda value: isinstance(value, bool), bool)
_TIME = ScalarCheck(
    "a datetime",
    lambda value: isinstance(value, datetime) and value.utcoffset() is not None,
    datetime,
    "with an offset: write datetime.now(UTC)",
)
SCALARS: Mapping[Any, TypeCheck] = MappingProxyType(
    {
        str: ScalarCheck("str", _is_text, str, "without half a surrogate pair"),
        NoneType: _NONE,
        bool: _BOOLEAN,
        int: ScalarCheck("int", _is_integer, int, "of at most 64 bits"),
        float: ScalarCheck("float", _is_number, float, "and finite"),
        datetime: _TIME,
    }
)
LOOSE_SCALARS: Mapping[Any, TypeCheck] = MappingProxyType(
    {
        str: ScalarCheck("str", lambda value: isinstance(value, str), str),
        NoneType: _NONE,
        bool: _BOOLEAN,
        int: ScalarCheck("int", lambda value: type(value) is int, int),
        float: ScalarCheck("float", _is_any_number, float),
        datetime: _TIME,
    }
)
COMPOUND_CHECKS: Mapping[Any, Callable[[Sequence[TypeCheck]], TypeCheck]] = MappingProxyType(
    {
        Sequence: ListCheck,
        list: ListCheck,
        tuple: ListCheck,
        set: SetCheck,
        frozenset: SetCheck,
        Mapping: MappingCheck,
        dict: MappingCheck,
        Union: UnionCheck,
        UnionType: UnionCheck,
    }
)
