"""Classes of `frozen_dataclass` do all that those of `dataclass(frozen=True, slots=True)` do."""

import copy
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from xo_cowork_core.sdk import Event, StepFinish, Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


class Base:
    __slots__ = ()
    kind: ClassVar[str] = "base"


@frozen_dataclass
class Ours(Base):
    """A class with each sort of field."""

    kind: ClassVar[str] = "pet"
    name: str
    age: int = 3
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    token: str = field(default="", repr=False, compare=False)

    def greeting(self) -> str:
        return f"I am {self.name}"


@dataclass(frozen=True, slots=True)
class Theirs(Base):
    """A class with each sort of field."""

    kind: ClassVar[str] = "pet"
    name: str
    age: int = 3
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    token: str = field(default="", repr=False, compare=False)

    def greeting(self) -> str:
        return f"I am {self.name}"


@frozen_dataclass
class Empty:
    """A class without fields."""


@pytest.fixture(params=[Ours, Theirs])
def cls(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_values_are_compared_shown_and_hashed_by_their_fields(cls):
    pet = cls("Rex", tags={"colour": "red"}, token="s3cret")
    assert repr(pet) == f"{cls.__name__}(name='Rex', age=3, tags={{'colour': 'red'}})"
    assert pet == cls("Rex", 3, {"colour": "red"}, "other")
    assert pet != cls("Rex", 4, {"colour": "red"})
    assert (pet == "Rex") is False
    assert cls("Rex") != (Theirs if cls is Ours else Ours)("Rex")
    assert len({cls("Rex", 3, ()), cls("Rex", 3, ()), cls("Tom", 3, ())}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(pet)


def test_values_can_be_neither_changed_nor_extended(cls):
    pet = cls("Rex")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        pet.name = "Tom"
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del pet.name
    with pytest.raises((FrozenInstanceError, TypeError)):
        pet.colour = "red"
    assert not hasattr(pet, "__dict__")
    assert pet.name == "Rex"


def test_a_factory_makes_a_value_for_each_instance(cls):
    first, second = cls("Rex"), cls("Rex")
    assert first.tags == {}
    assert first.tags is not second.tags
    given: dict[str, str] = {}
    assert cls("Rex", tags=given).tags is given


def test_wrong_arguments_are_a_type_error_that_names_them(cls):
    with pytest.raises(TypeError, match=rf"{cls.__name__}.__init__\(\) missing .* 'name'"):
        cls()
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        cls("Rex", colour="red")


def test_the_functions_of_dataclasses_work(cls):
    pet = cls("Rex", tags={"colour": "red"})
    assert is_dataclass(cls)
    assert [each.name for each in fields(cls)] == ["name", "age", "tags", "token"]
    assert asdict(pet) == {"name": "Rex", "age": 3, "tags": {"colour": "red"}, "token": ""}
    assert replace(pet, age=4) == cls("Rex", 4, {"colour": "red"})
    assert (pet.kind, pet.greeting(), cls.__doc__) == ("pet", "I am Rex", Ours.__doc__)
    match pet:
        case Ours(name, age) | Theirs(name, age):
            assert (name, age) == ("Rex", 3)


def test_copies_and_pickles_are_equal(cls):
    pet = cls("Rex", tags={"colour": "red"}, token="s3cret")
    for other in (copy.copy(pet), copy.deepcopy(pet), pickle.loads(pickle.dumps(pet))):
        assert other == pet
        assert other.token == "s3cret"


def test_the_signature_names_the_fields_with_their_types(cls):
    parameters = inspect.signature(cls).parameters
    assert list(parameters) == ["name", "age", "tags", "token"]
    assert (parameters["age"].annotation, parameters["age"].default) == (int, 3)


def test_a_frozen_dataclass_extends_one(cls):
    @dataclass(frozen=True, slots=True)
    class Dog(cls):
        breed: str = "mixed"

    dog = Dog("Rex", breed="collie")
    assert repr(dog).endswith("Dog(name='Rex', age=3, tags={}, breed='collie')")
    with pytest.raises(FrozenInstanceError):
        dog.breed = "mixed"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_class_without_fields_has_equal_values():
    assert Empty() == Empty()
    assert repr(Empty()) == "Empty()"


def test_events_of_plugins_may_be_dataclasses():
    @dataclass(frozen=True, slots=True)
    class Beep(Event):
        name: ClassVar[str] = "beep"
        volume: int = 1

    assert Beep(2) == Beep(2)
    assert StepFinish() == StepFinish("stop", Tokens())
    assert StepFinish().tokens is not StepFinish().tokens
