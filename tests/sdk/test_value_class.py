"""Value classes behave as the dataclasses that they stand for."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from xo_cowork_core.sdk.value_class import value_class


@dataclass(frozen=True, slots=True)
class Plain:
    """A dataclass."""

    number: int
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)
    rest: tuple[object, ...] = ()


@value_class
class Value:
    """The same as a value class."""

    number: int
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)
    rest: tuple[object, ...] = ()


@value_class
class Narrow(Value):
    """A subclass without fields of its own."""


@value_class
class Named:
    """A class with a text of its own."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


BOTH = pytest.mark.parametrize("make", [Plain, Value])
Make = Callable[..., Plain] | Callable[..., Value]


@BOTH
def test_values_are_equal_by_class_and_compared_fields(make: Make) -> None:
    value = make(1, "s", "one note", (2,))
    assert value == make(1, "s", "another note", (2,))
    assert hash(value) == hash(make(1, "s", "another note", (2,)))
    assert value != make(1, "t", "one note", (2,))
    assert value != (1, "s", (2,))
    assert Value(1) != Narrow(1)
    assert len({make(1), make(1), make(2)}) == 2


@BOTH
def test_the_text_of_a_value_leaves_hidden_fields_out(make: Make) -> None:
    text = f"{make.__name__}(number=1, note='n', rest=())"
    assert repr(make(1, "hidden", "n")) == text
    assert repr(Named("mine")) == "<mine>"


def test_a_value_that_holds_itself_has_a_text() -> None:
    rest: list[object] = []
    value = Value(1, rest=(rest,))
    rest.append(value)
    assert repr(value).count("...") == 1


@BOTH
def test_a_value_can_be_copied_and_not_changed(make: Make) -> None:
    value = make(1, "s")
    assert replace(value, number=2) == make(2, "s")
    assert asdict(value) == {"number": 1, "secret": "s", "note": "", "rest": ()}
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(FrozenInstanceError):
        value.number = 2  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises((AttributeError, TypeError)):
        value.unknown = 2  # pyright: ignore[reportAttributeAccessIssue]


def test_a_value_class_has_the_members_of_its_dataclass() -> None:
    assert [each.name for each in fields(Value)] == [each.name for each in fields(Plain)]
    assert set(vars(Value)) == set(vars(Plain))
    assert Value.__match_args__ == Plain.__match_args__
