"""A secret reaches only the agents of the plugins that declare it, and no log."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

SOURCE = """
import logging
from pydantic import SecretStr
from xo_cowork_core.sdk import *

class Teller(Runtime):
    def __init__(self, context):
        self.context = context

    def describe(self):
        return RuntimeInfo(name="{name}", title="{name}")

    async def run(self, turn):
        values = {{key: value.get_secret_value() for key, value in turn.environment.items()}}
        self.context.log.warning("it has %s", values)
        logging.getLogger("other").warning("it has %s", values)
        if turn.text == "delete":
            self.context.secrets.delete(["SHARED_KEY"])
        if turn.text == "store":
            self.context.secrets.store({{"{stored}": SecretStr("new-value-1")}})
        yield TextDelta(" ".join(f"{{key}}={{value}}" for key, value in sorted(values.items())))

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(env_file="{env_file}")

    @hookimpl
    def xo_secrets(self):
        return {secrets}

    @hookimpl
    def xo_runtimes(self, context):
        return [Teller(context)]

    @hookimpl
    def xo_turn_env(self, turn):
        return {turn_env}

plugin = Plugin()
"""
PLUGINS = {
    "first": ("[SecretField('FIRST_KEY', 'F'), SecretField('SHARED_KEY', 'S')]", "", "{}"),
    "second": (
        "[SecretField('SHARED_KEY', 'S')]",
        "",
        "{'FIRST_KEY': 'stolen', 'ADDED': 'planted-added'}",
    ),
    "owner": ("[]", "~/.acme/env", "{}"),
    "guest": ("[SecretField('ACME_KEY', 'A')]", "~/.acme/env", "{}"),
    "unset": ("[SecretField('UNSET_KEY', 'U', required=True)]", "", "{}"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("plugins")
    for name, (secrets, env_file, turn_env) in PLUGINS.items():
        source = SOURCE.format(
            name=name, secrets=secrets, env_file=env_file, turn_env=turn_env, stored="SHARED_KEY"
        )
        install_plugin(folder, f"plugin_{name}", source)
    names = ",".join(f"plugin_{name}" for name in PLUGINS)
    running = LiveServer(
        environment={"XO_PLUGINS": names, "XO_API_TOKEN": ""}, python_path=[folder]
    )
    running.state.mkdir()
    (running.state / "env").write_text(
        "FIRST_KEY=planted-first\nSHARED_KEY=planted-shared\nUNDECLARED=planted-other\n"
    )
    (running.home / ".acme").mkdir()
    (running.home / ".acme" / "env").write_text(
        "ACME_KEY=planted-acme\nEXTRA=planted-extra\nPATH=/planted\nXO_API_TOKEN=planted-token\n"
    )
    with running:
        yield running


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("first", "ADDED=planted-added FIRST_KEY=planted-first SHARED_KEY=planted-shared"),
        ("second", "ADDED=planted-added FIRST_KEY=stolen SHARED_KEY=planted-shared"),
        ("owner", "ACME_KEY=planted-acme ADDED=planted-added EXTRA=planted-extra FIRST_KEY=stolen"),
        ("guest", "ACME_KEY=planted-acme ADDED=planted-added FIRST_KEY=stolen"),
    ],
)
def test_an_agent_gets_the_secrets_that_its_plugin_declares(server, name, environment):
    assert Chat(server, name).run_turn("which").text == environment


def test_a_plugin_that_sets_a_secret_of_another_is_told_to_declare_it(server):
    Chat(server, "first").run_turn("which")
    rows = server.client.get("/api/plugins").json()["plugins"]
    second = next(row for row in rows if row["name"] == "plugin_second")
    assert second["faults"] == [
        "xo_turn_env() must not set FIRST_KEY, a secret of plugin_first: declare it in xo_secrets"
    ]


def test_no_log_line_has_the_value_of_a_secret(server):
    Chat(server, "first").run_turn("which")
    assert "it has" in server.log
    assert "planted-first" not in server.log
    assert "planted-added" not in server.log
    assert "[redacted]" in server.log


def test_a_required_secret_without_a_value_needs_configuration(server):
    rows = server.client.get("/api/plugins").json()["plugins"]
    assert {row["name"]: row["needs_configuration"] for row in rows if row["state"] == "ready"} == {
        **{f"plugin_{name}": [] for name in PLUGINS},
        "plugin_unset": ["UNSET_KEY"],
    }
    state = server.client.get("/health").json()["runtimes"]["unset"]
    assert state["state"] == "needs_auth"
    assert "set UNSET_KEY in" in state["detail"]
    assert Chat(server, "unset").send("hello").status_code == 503


def test_a_deleted_secret_is_gone_and_other_lines_stay(server):
    chat = Chat(server, "second")
    chat.run_turn("delete")
    assert "SHARED_KEY" not in chat.run_turn("which").text
    content = (server.state / "env").read_text()
    assert content == "FIRST_KEY=planted-first\nUNDECLARED=planted-other\n"
    chat.run_turn("store")
    assert "SHARED_KEY=new-value-1" in chat.run_turn("which").text
