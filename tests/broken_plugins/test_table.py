"""More than a hundred careless plugins: each costs itself alone, and its record says what to write.

Many of them share a server: what they do to each other and to the healthy ones is part of the test.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.broken_plugins.table.abilities import ABILITIES, TURN_HOOKS
from tests.broken_plugins.table.declarations import DESCRIPTIONS, HOOKS, MODULES
from tests.broken_plugins.table.sources import (
    ability_source,
    clerk_source,
    describe_source,
    hook_source,
    turn_source,
)
from tests.broken_plugins.table.turns import ANSWERS, REQUESTS, RETURNS, RUNS
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

LISTS = ("agents", "models", "skills", "sessions", "usage", "plugins")
LIMIT_SECONDS = 2.0


def plugin_rows(server: LiveServer) -> dict[str, dict]:
    rows = server.client.get("/api/plugins").json()["plugins"]
    return {row["name"]: row for row in rows}


def assert_host_works(server: LiveServer) -> None:
    """The shared routes and a turn of a healthy runtime work, each within `LIMIT_SECONDS`."""
    for path in ("/health", "/openapi.json", *(f"/api/{name}" for name in LISTS)):
        started = time.monotonic()
        answer = server.client.get(path)
        assert answer.status_code == 200, (path, answer.text[:500])
        assert time.monotonic() - started < LIMIT_SECONDS, path
    health = server.client.get("/health").json()
    assert health["runtimes"]["demo"]["state"] == "ready"
    started = time.monotonic()
    turn = Chat(server, "demo").run_turn("echo all is well")
    assert (turn.text, turn.terminal.event) == ("all is well", "done")
    assert time.monotonic() - started < LIMIT_SECONDS


def install_all(folder: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        install_plugin(folder, f"plugin_{name}", source)
    return folder


@pytest.fixture(scope="module")
def failed_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict]]:
    """The records of all plugins that are wrong when they are loaded."""
    sources = {name: source for name, (source, _) in MODULES.items()}
    sources |= {
        name: hook_source(name.replace("_", "-"), hooks) for name, (hooks, _) in HOOKS.items()
    }
    sources |= {
        name: describe_source(name.replace("_", "-"), info)
        for name, (info, _) in DESCRIPTIONS.items()
    }
    folder = install_all(tmp_path_factory.mktemp("failed"), sources)
    # the healthy runtime is loaded first: of two equal names the earlier one counts
    names = ",".join(["runtime_demo", *(f"plugin_{name}" for name in sources)])
    with LiveServer(environment={"XO_PLUGINS": names}, python_path=[folder]) as server:
        assert_host_works(server)
        late = [f"plugin_{name}" for name in HOOKS if name.startswith("lifespan")]
        eventually(
            lambda: all(plugin_rows(server)[name]["state"] == "failed" for name in late),
            5,
            "the lifespans are refused",
        )
        yield plugin_rows(server)
        assert_host_works(server)


@pytest.mark.parametrize("name", [*MODULES, *HOOKS, *DESCRIPTIONS])
def test_a_plugin_that_is_wrong_when_it_is_loaded_is_refused_with_what_to_write(
    failed_plugins, name
):
    record = failed_plugins[f"plugin_{name}"]
    assert record["state"] == "failed", record
    assert {**MODULES, **HOOKS, **DESCRIPTIONS}[name][1] in record["error"]
    assert record["runtimes"] == record["routes"] == []


@pytest.fixture(scope="module")
def serving_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict]]:
    """The records of all plugins whose runtimes answer wrongly, after everything was asked."""
    sources = {
        name: ability_source(name.replace("_", "-"), bases, methods)
        for name, (bases, methods, _) in ABILITIES.items()
    }
    sources |= {
        name: hook_source(name.replace("_", "-"), hooks) for name, (hooks, _) in TURN_HOOKS.items()
    }
    folder = install_all(tmp_path_factory.mktemp("serving"), sources)
    server = LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[folder])
    for name in ABILITIES:
        folder = server.home / "kept" / name.replace("_", "-")
        folder.mkdir(parents=True)
        (folder / f"{name}.jsonl").write_text("{}\n")
    with server:
        # each call that hangs is waited for once
        for path in ("/api/models", "/api/skills", "/api/sessions"):
            assert server.client.get(path).status_code == 200
        Chat(server, "demo").run_turn("echo hello")
        wanted = [f"plugin_{name}" for name in sources]
        # a missing fault fails its own test below
        with suppress(AssertionError):
            eventually(
                lambda: all(plugin_rows(server)[name]["faults"] for name in wanted), 12, "faults"
            )
        assert_host_works(server)
        yield plugin_rows(server)
        assert_host_works(server)


@pytest.mark.parametrize("name", [*ABILITIES, *TURN_HOOKS])
def test_a_wrong_answer_of_a_plugin_costs_that_call_and_is_recorded(serving_plugins, name):
    record = serving_plugins[f"plugin_{name}"]
    assert record["state"] == "ready", record
    assert {**ABILITIES, **TURN_HOOKS}[name][-1] in " ".join(record["faults"])


@pytest.fixture(scope="module")
def odd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with the runtimes that are wrong in a turn, or in what they administer."""
    folder = tmp_path_factory.mktemp("odd")
    runs = {prompt: statement for prompt, (statement, _) in RUNS.items()}
    returns = {prompt: value for prompt, (value, _) in RETURNS.items()}
    install_all(folder, {"odd": turn_source(runs, returns), "clerk": clerk_source()})
    names = "plugin_odd,plugin_clerk,runtime_demo"
    with LiveServer(environment={"XO_PLUGINS": names}, python_path=[folder]) as server:
        yield server
        assert_host_works(server)


@pytest.mark.parametrize("prompt", [*RUNS, *RETURNS])
def test_a_turn_that_goes_wrong_ends_with_an_error_and_is_recorded(odd_server, prompt):
    chat = Chat(odd_server, "odd")
    turn = chat.run_turn(prompt, seconds=10)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "internal"
    assert chat.active() == []
    (fault,) = plugin_rows(odd_server)["plugin_odd"]["faults"]
    assert {**RUNS, **RETURNS}[prompt][1] in fault
    assert chat.run_turn("well", session_id=turn.session_id).text == "Well. "


@pytest.mark.parametrize(
    ("method", "value", "words"),
    [(method, *answer) for method, answers in ANSWERS.items() for answer in answers],
)
def test_an_administration_that_answers_wrongly_is_a_502_and_recorded(
    odd_server, method, value, words
):
    (odd_server.home / "answer").write_text(f"{method} {value}")
    verb, path, body = REQUESTS[method]
    answer = odd_server.client.request(verb, path, json=body)
    (odd_server.home / "answer").unlink()
    assert answer.status_code == 502, answer.text
    faults = plugin_rows(odd_server)["plugin_clerk"]["faults"]
    assert words in " ".join(faults)
    assert odd_server.client.get("/health").status_code == 200


HANGING = {
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


def test_a_hook_that_hangs_costs_its_plugin_and_its_limit_once(tmp_path: Path):
    install_all(tmp_path, {name: source for name, (source, _) in HANGING.items()})
    with LiveServer(environment={"XO_PLUGINS": "all"}, python_path=[tmp_path]) as server:
        # the hooks of turns hang at the first turn
        assert Chat(server, "demo").run_turn("echo hello").text == "hello"

        def words() -> dict[str, str]:
            rows = plugin_rows(server)
            return {
                name: " ".join([row["error"], *row["faults"]])
                for name in HANGING
                if (row := rows[f"plugin_{name}"])
            }

        eventually(lambda: all(HANGING[n][1] in text for n, text in words().items()), 12, "faults")
        assert_host_works(server)
