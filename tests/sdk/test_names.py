"""The public names of the SDK."""

import inspect

import pytest

from xo_cowork_core import sdk
from xo_cowork_core.sdk import hooks, testing
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
PUBLIC = [(module, name) for module in (sdk, testing) for name in module.__all__]


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
