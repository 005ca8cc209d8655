"""The public names of the SDK."""

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from xo_cowork_core import sdk
from xo_cowork_core.sdk import connector, hooks, kit, sign_in, testing
from xo_cowork_core.sdk.runtime import agents, history, transcripts
from xo_cowork_core.sdk.runtime import sign_in as runtime_sign_in
from xo_cowork_core.sdk.testing.contract import RuntimeContract

HOOKS = {
    "xo_contributes",
    "xo_connectors",
    "xo_lifespan",
    "xo_routers",
    "xo_runtimes",
    "xo_secrets",
    "xo_turn_env",
    "xo_turn_finished",
}
MAX_NAMES = 80
MODULES = (
    sdk,
    agents,
    history,
    transcripts,
    runtime_sign_in,
    sign_in,
    connector,
    kit,
    testing,
)
PUBLIC = [(module, name) for module in MODULES for name in module.__all__]


def _documentable(module: object, name: str) -> bool:
    value = getattr(module, name)
    return inspect.isclass(value) or inspect.isfunction(value)


@pytest.mark.parametrize(
    ("module", "name"),
    [pair for pair in PUBLIC if _documentable(*pair)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_public_name_has_a_docstring_of_its_own(module: object, name: str) -> None:
    value = getattr(module, name)
    written = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    # a dataclass without one gets its signature as docstring
    assert written and not written.startswith(f"{name}(")


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=lambda value: str(value)[:40])
def test_a_public_name_exists(module: object, name: str) -> None:
    assert hasattr(module, name)


def test_the_package_itself_has_few_names() -> None:
    assert len(sdk.__all__) <= MAX_NAMES


@pytest.mark.parametrize(
    ("module", "name"),
    [pair for pair in PUBLIC if is_dataclass(getattr(*pair))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_docstring_lists_the_values_that_its_fields_may_have(module: object, name: str) -> None:
    value = getattr(module, name)
    hints = get_type_hints(value)
    for field in fields(value):
        for allowed in filter(None, _literals(hints[field.name])):
            assert f"`{allowed}`" in value.__doc__, f"{name}.{field.name} may be {allowed!r}"


def _literals(hint: Any) -> Iterator[object]:
    """Yield every value of a Literal in a type."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for member in get_args(hint):
            yield from _literals(member)


def test_there_are_exactly_eight_hooks() -> None:
    found = {name for name in vars(hooks.Hooks) if not name.startswith("__")}
    assert found == HOOKS


def test_every_hook_is_documented() -> None:
    assert all(vars(hooks.Hooks)[name].__doc__ for name in HOOKS)


def test_every_public_method_of_the_abilities_is_documented() -> None:
    abilities = [value for name in sdk.__all__ if inspect.isabstract(value := getattr(sdk, name))]
    assert sdk.Runtime in abilities
    for ability in abilities:
        for name, method in vars(ability).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                assert method.__doc__, f"{ability.__name__}.{name}"


def test_the_contract_has_at_least_forty_cases_and_no_two_of_a_name() -> None:
    names = [
        name
        for group in RuntimeContract.__mro__
        for name, value in vars(group).items()
        if inspect.isfunction(value) and group is not object
    ]
    assert len(names) == len(set(names))
    assert len([name for name in names if name.startswith("test_")]) >= 40
