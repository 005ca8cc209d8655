"""The forms of plugins: what each needs, what is set, and what a stored value changes at once."""

from pathlib import Path
from typing import Any

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import Chat, LiveServer

PATH = "/api/secrets/schema/runtime_keyed"


def form_of(server: LiveServer, plugin: str) -> dict[str, Any]:
    plugins = get_json(server, "/api/secrets/schema")["plugins"]
    return next(form for form in plugins if form["plugin"] == plugin)


def keyed_state(server: LiveServer) -> str:
    return get_json(server, "/health")["runtimes"]["keyed"]["state"]


def store(server: LiveServer, **values: str):
    return server.client.put(PATH, json={"values": values})


def test_a_form_is_a_json_schema_of_what_the_plugin_declares(
    server: LiveServer, env_file: Path
) -> None:
    form = form_of(server, "runtime_keyed")
    assert form["schema"] == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "KEYED_KEY": {
                "type": "string",
                "title": "Key",
                "description": "",
                "format": "password",
                "writeOnly": True,
                "minLength": 1,
            }
        },
        "required": ["KEYED_KEY"],
        "additionalProperties": False,
    }
    assert (form["title"], form["set"], form["missing"]) == ("Keyed", [], ["KEYED_KEY"])
    assert form["env_file"] == str(env_file)


def test_a_plugin_without_secrets_has_no_form(server: LiveServer) -> None:
    plugins = [form["plugin"] for form in get_json(server, "/api/secrets/schema")["plugins"]]
    assert plugins == ["runtime_keyed", "runtime_openclaw"]


def test_a_stored_form_makes_the_plugin_ready_without_a_restart(
    server: LiveServer, env_file: Path
) -> None:
    chat = Chat(server, "keyed")
    assert keyed_state(server) == "needs_auth"
    expect_error(chat.send("text"), 503)
    answer = store(server, KEYED_KEY="a value")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["set"], answer.json()["missing"]) == (["KEYED_KEY"], [])
    assert env_file.read_text() == "KEYED_KEY='a value'\n"
    assert keyed_state(server) == "ready"
    plugins = get_json(server, "/api/plugins")["plugins"]
    row = next(row for row in plugins if row["name"] == "runtime_keyed")
    assert row["needs_configuration"] == []
    assert "KEYED_KEY" in chat.run_turn("which keys?").text
    assert server.client.delete("/api/secrets/KEYED_KEY").status_code == 200
    assert keyed_state(server) == "needs_auth"
    assert form_of(server, "runtime_keyed")["missing"] == ["KEYED_KEY"]


def test_keys_that_are_left_out_keep_their_value(server: LiveServer, env_file: Path) -> None:
    env_file.write_text("# mine\nKEYED_KEY=1\nOTHER=2\n")
    assert store(server).status_code == 200
    assert env_file.read_text() == "# mine\nKEYED_KEY=1\nOTHER=2\n"
    assert store(server, KEYED_KEY="3").status_code == 200
    assert env_file.read_text() == "# mine\nKEYED_KEY=3\nOTHER=2\n"


def test_an_env_file_that_cannot_be_read_costs_the_plugins_that_use_it_alone(
    server: LiveServer, env_file: Path
) -> None:
    env_file.mkdir()
    try:
        form = form_of(server, "runtime_keyed")
        assert (form["set"], form["missing"]) == ([], ["KEYED_KEY"])
        assert form["error"].startswith("The env file cannot be read: ")
        assert form_of(server, "runtime_openclaw")["error"] is None
        expect_error(store(server, KEYED_KEY="1"), 503)
        expect_error(Chat(server, "keyed").send("text"), 503)
        assert Chat(server, "demo").run_turn("text").text
    finally:
        env_file.rmdir()


def test_a_form_of_a_plugin_with_a_file_of_its_own_goes_there(
    server: LiveServer, env_file: Path
) -> None:
    key = next(iter(form_of(server, "runtime_openclaw")["schema"]["properties"]))
    path = "/api/secrets/schema/runtime_openclaw"
    assert server.client.put(path, json={"values": {key: "x"}}).status_code == 200
    assert f"{key}=x\n" in (server.home / ".openclaw" / ".env").read_text()
    assert not env_file.exists()
    server.client.delete(f"/api/secrets/{key}", params={"agent_name": "openclaw"})
