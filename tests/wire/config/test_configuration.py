"""Configurations of runtimes, masked, and what their agents work with (contract §6)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.answers import expect_error, get_json
from xo_cowork_core.sdk.testing import LiveServer

URL = "/api/config/agents/configured"
PLANTED = "planted-4f1c-secret-value"


@pytest.mark.parametrize("style", ["docs", "spa"])
def test_a_configuration_is_shown_without_its_secrets(
    server: LiveServer, keys: tuple[Path, Path], configure: Callable[..., None], style: str
) -> None:
    keys[0].parent.mkdir(exist_ok=True)
    keys[0].write_text("ACME_KEY=planted-from-env-file-77\n")
    keys[1].write_text("ACME_KEY=planted-of-another-runtime-31\n")
    configure(
        config={
            "model": "acme/one",
            "env": {"ANTHROPIC_AUTH_TOKEN": PLANTED, "NOTE": "has planted-from-env-file-77 in it"},
            "command": ["run", "--api-key", PLANTED, "planted-of-another-runtime-31"],
            "limits": {"maxTokens": 4096},
        }
    )
    answer = server.client.get(URL, headers={"X-XO-Wire": style})
    assert answer.status_code == 200, answer.text
    assert "planted" not in answer.text
    assert answer.json()["model"] == "acme/one"
    assert answer.json()["limits"] == {"maxTokens": 4096}
    assert answer.json()["env"]["ANTHROPIC_AUTH_TOKEN"] == "••••alue"
    assert answer.json()["env"]["NOTE"] == "has •••• in it"


def test_a_runtime_without_a_configuration_has_an_empty_one(server: LiveServer) -> None:
    assert get_json(server, URL) == {}
    assert get_json(server, "/api/config/agents/demo") == {}


@pytest.mark.parametrize("name", ["nope", "%00", "a%20b", "x" * 3000])
def test_an_unknown_runtime_is_404(server: LiveServer, name: str) -> None:
    expect_error(server.client.get(f"/api/config/agents/{name}"), 404)


def test_the_named_path_shows_the_runtime_of_that_name(server: LiveServer) -> None:
    # this server has none
    expect_error(server.client.get("/api/config/openclaw"), 404)


def test_a_configuration_that_cannot_be_read_is_an_error_of_this_runtime_alone(
    server: LiveServer,
) -> None:
    file = server.home / "second.json"
    file.write_text("{ planted")
    expect_error(server.client.get("/api/config/agents/second"), 502)
    file.write_text(json.dumps({"config": 5}))
    expect_error(server.client.get("/api/config/agents/second"), 502)
    file.unlink()
    assert get_json(server, "/api/config/agents/second") == {}


def test_tools_and_automations_are_listed_with_their_runtime(
    server: LiveServer, configure: Callable[..., None]
) -> None:
    row = {"name": "read", "description": "Reads a file", "source": "core"}
    wanted = [{**row, "agent_name": "configured"}, {**row, "agent_name": "second"}]
    assert get_json(server, "/api/tools") == wanted
    # one that is down leaves the others listed
    configure(is_down=True)
    assert get_json(server, "/api/tools") == wanted[1:]
    found = get_json(server, "/api/automations")
    assert found[0] == {
        "id": "a1",
        "name": "Report",
        "schedule": "0 7 * * *",
        "enabled": False,
        "agent_name": "configured",
    }


def test_mcp_servers_are_listed_without_what_may_be_secret(
    server: LiveServer, configure: Callable[..., None]
) -> None:
    configure(
        mcpServers={
            "local": {"command": "node", "args": ["--token", PLANTED], "env": {"KEY": PLANTED}},
            "far": {"url": f"https://example.com/?key={PLANTED}", "headers": {"A": PLANTED}},
            "events": {"type": "sse", "url": "https://example.com/sse", "enabled": False},
            "off": {"command": "x", "disabled": True},
            "wrong": {"command": 5},
            "none": 5,
        }
    )
    answer = server.client.get("/api/mcp/status")
    assert PLANTED not in answer.text
    rows = {row["name"]: row for row in answer.json()}
    assert rows["local"] == {
        "name": "local",
        "status": "configured",
        "enabled": True,
        "transport": "stdio",
        "scope": "project",
        "agent_name": "configured",
    }
    assert {name: row["transport"] for name, row in rows.items()} == {
        "local": "stdio",
        "far": "http",
        "events": "sse",
        "off": "stdio",
    }
    assert [name for name, row in rows.items() if row["status"] == "disabled"] == ["events", "off"]


@pytest.mark.parametrize(("workspace", "status"), [("/etc", 403), ("~/nope", 404), ("..", 400)])
def test_a_wrong_workspace_of_mcp_servers_is_refused(
    server: LiveServer, workspace: str, status: int
) -> None:
    answer = server.client.get("/api/mcp/status", params={"workspace": workspace})
    expect_error(answer, status)
