"""The decorator of the SDK's data classes, which are many and are all defined at each start.

`dataclass(frozen=True, slots=True)` compiles six methods for each class, in 0.5 ms.
`frozen_dataclass` compiles `__init__` alone; its classes share the other methods. To their users
they are the same: `fields`, `replace` and `asdict` of `dataclasses`, `copy` and `match` work with
them, and `dataclass(frozen=True)` can extend them. It can't itself extend a class with fields.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_dataclass(cls: type[T]) -> type[T]:
    """Make a frozen dataclass with slots of a class with annotated fields."""
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    # read by `dataclass` when it extends the class
    made.__dataclass_params__.frozen = True
    made.__init__ = _compile_init(made)
    for name, method in SHARED_METHODS.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made


def _compile_init(cls: Any) -> Callable[..., None]:
    """Return an `__init__` with the fields as its parameters."""
    parameters, assignments = ["self"], ["pass"]
    names: dict[str, Any] = {"_assign": object.__setattr__, "_MISSING": MISSING}
    for each in fields(cls):
        name = value = each.name
        parameter = name
        if each.default_factory is not MISSING:
            names[f"_make_{name}"] = each.default_factory
            parameter = f"{name}=_MISSING"
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        elif each.default is not MISSING:
            names[f"_default_{name}"] = each.default
            parameter = f"{name}=_default_{name}"
        parameters.append(parameter)
        assignments.append(f"_assign(self, {name!r}, {value})")
    body = "\n    ".join(assignments)
    exec(f"def __init__({', '.join(parameters)}):\n    {body}", names)  # noqa: S102 - as `dataclass`
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {each.name: each.type for each in fields(cls)} | {"return": None}
    return init


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, each.name) for each in fields(self) if each.compare])


def _repr(self: Any) -> str:
    values = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
    return f"{type(self).__qualname__}({', '.join(values)})"


def _equals(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse_assignment(_self: Any, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


SHARED_METHODS = {
    "__repr__": _repr,
    "__eq__": _equals,
    "__hash__": _hash,
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_deletion,
    "__getstate__": _get_state,
    "__setstate__": _set_state,
}
