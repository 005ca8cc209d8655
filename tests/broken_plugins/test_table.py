"""Careless plugins: each costs itself alone, and its record says what to write.

Many of them share a server: what they do to each other and to the healthy ones is part of the test.
After each case the routes that all share and a turn of a healthy runtime must work.
"""

from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.broken_plugins.table.abilities import (
    ABILITIES,
    HANGING,
    HEALTH,
    MODELS,
    SKILLS,
    TURN_HOOKS,
)
from tests.broken_plugins.table.declarations import DESCRIPTIONS, HOOKS, MODULES
from tests.broken_plugins.table.host_check import HostCheck, install_all
from tests.broken_plugins.table.sources import (
    HEALTHY,
    ability_source,
    describe_source,
    hook_source,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

FAILED = {**MODULES, **HOOKS, **DESCRIPTIONS}
# a request for one runtime, and the status by which it learns of the fault
NAMED = {
    HEALTH: ("/api/chat/prompt", 503),
    MODELS: ("/api/models", 502),
    SKILLS: ("/api/skills", 502),
}
# what asks every runtime; one that is at fault is left out
LISTS = (
    "/api/models",
    "/api/skills",
    "/api/sessions",
    "/api/config/providers",
    "/api/config/openai-subscription",
    "/api/tools",
    "/api/mcp/status",
    "/api/automations",
)


def runtime_name(case: str) -> str:
    return case.replace("_", "-")


@pytest.fixture(scope="module")
def failed_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostCheck]:
    """A server with all plugins that are wrong when they are loaded."""
    sources = {"healthy": HEALTHY, **{name: source for name, (source, _) in MODULES.items()}}
    sources |= {name: hook_source(runtime_name(name), hooks) for name, (hooks, _) in HOOKS.items()}
    sources |= {
        name: describe_source(runtime_name(name), info) for name, (info, _) in DESCRIPTIONS.items()
    }
    folder = install_all(tmp_path_factory.mktemp("failed"), sources)
    # the healthy ones are loaded first: of two equal names the earlier one counts
    names = ",".join(["runtime_demo", *(f"plugin_{name}" for name in sources)])
    with (
        LiveServer(environment={"XO_PLUGINS": names}, python_path=[folder]) as server,
        closing(HostCheck(server)) as check,
    ):
        late = [f"plugin_{name}" for name in HOOKS if name.startswith("lifespan")]
        eventually(
            lambda: all(check.plugins()[name]["state"] == "failed" for name in late),
            15,
            "the lifespans are refused",
        )
        yield check


@pytest.mark.parametrize("name", FAILED)
def test_a_plugin_that_is_wrong_when_it_is_loaded_is_refused_with_what_to_write(
    failed_plugins, name
):
    record = failed_plugins.assert_host_works()[f"plugin_{name}"]
    assert record["state"] == "failed", record
    assert FAILED[name][1] in record["error"]
    assert record["runtimes"] == record["routes"] == []


@pytest.fixture(scope="module")
def serving_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostCheck]:
    """A server with all plugins whose runtimes answer wrongly, after everything was asked."""
    sources = {
        name: ability_source(runtime_name(name), bases, methods)
        for name, (bases, methods, _) in ABILITIES.items()
    }
    sources |= {
        name: hook_source(runtime_name(name), hooks) for name, (hooks, _) in TURN_HOOKS.items()
    }
    folder = install_all(tmp_path_factory.mktemp("serving"), {"healthy": HEALTHY, **sources})
    server = LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[folder])
    for name in ABILITIES:
        kept = server.home / "kept" / runtime_name(name)
        kept.mkdir(parents=True)
        (kept / f"{name}.jsonl").write_text("{}\n")
    with server, closing(HostCheck(server)) as check:
        for path in LISTS:
            assert server.client.get(path).status_code == 200
        Chat(server, "demo").run_turn("echo hello")
        # a missing fault fails its own test below
        with suppress(AssertionError):
            eventually(
                lambda: all(check.plugins()[f"plugin_{name}"]["faults"] for name in sources),
                12,
                "faults",
            )
        yield check


@pytest.mark.parametrize("name", [*ABILITIES, *TURN_HOOKS])
def test_a_wrong_answer_of_a_plugin_costs_that_call_and_is_recorded(serving_plugins, name):
    ability = ABILITIES[name][0] if name in ABILITIES else ""
    if ability in NAMED:
        path, status = NAMED[ability]
        body = {"text": "hi", "agent_name": runtime_name(name)}
        http = serving_plugins.server.client
        answer = http.post(path, json=body) if ability == HEALTH else http.get(path, params=body)
        assert answer.status_code == status, answer.text
    record = serving_plugins.assert_host_works()[f"plugin_{name}"]
    assert record["state"] == "ready", record
    assert {**ABILITIES, **TURN_HOOKS}[name][-1] in " ".join(record["faults"])


HANGING_HOOKS = {
    "import": ("import time\ntime.sleep(3600)\nplugin = None", "its import took longer than 10 s"),
    "loop": (
        hook_source("loop", "def xo_runtimes(self):\n    while True: pass"),
        "xo_runtimes() took longer than 5 s: do slow work in the context of xo_lifespan",
    ),
    "lifespan": (
        hook_source("lifespan", "def xo_lifespan(self):\n    time.sleep(3600)"),
        "xo_lifespan() took longer than 5 s",
    ),
    "environment": (
        hook_source("environment", "def xo_turn_env(self):\n    time.sleep(3600)"),
        "xo_turn_env() took longer than 5 s",
    ),
    "finished": (
        hook_source("finished", "def xo_turn_finished(self):\n    time.sleep(3600)"),
        "xo_turn_finished() took longer than 5 s",
    ),
}


@pytest.fixture(scope="module")
def hanging_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostCheck]:
    """A server with all plugins that hang, after each of them was waited for once."""
    sources = {name: source for name, (source, _) in HANGING_HOOKS.items()}
    sources |= {
        name: ability_source(runtime_name(name), bases, methods)
        for name, (bases, methods, _) in HANGING.items()
    }
    folder = install_all(tmp_path_factory.mktemp("hanging"), {"healthy": HEALTHY, **sources})
    with (
        LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[folder]) as server,
        closing(HostCheck(server)) as check,
    ):
        # the hooks of turns hang at the first turn
        assert Chat(server, "demo").run_turn("echo hello").text == "hello"

        def all_recorded() -> bool:
            for path in LISTS:
                assert server.client.get(path).status_code == 200
            rows = check.plugins()
            return all(
                rows[f"plugin_{name}"]["error"] or rows[f"plugin_{name}"]["faults"]
                for name in sources
            )

        eventually(all_recorded, 20, "every call that hangs has exceeded its limit")
        yield check


@pytest.mark.parametrize("name", [*HANGING_HOOKS, *HANGING])
def test_a_call_that_hangs_costs_its_plugin_and_its_limit_once(hanging_plugins, name):
    record = hanging_plugins.assert_host_works()[f"plugin_{name}"]
    text = " ".join([record["error"], *record["faults"]])
    assert {**HANGING_HOOKS, **HANGING}[name][-1] in text
