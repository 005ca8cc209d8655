"""Agents, models, channels, gateway: the families that runtimes with a gateway fill."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error
from xo_cowork_core.sdk.testing import LiveServer, install_plugin

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = (Path(__file__).parents[1] / "support" / "plugins" / "gateway.py").read_text()
    return install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_gatewayed", source)


@pytest.fixture
def server(plugins: Path) -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_gatewayed"}, python_path=[plugins]) as live:
        yield live


@pytest.fixture(scope="module")
def bare() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as live:
        yield live


def created(server: LiveServer, **fields: Any) -> dict[str, Any]:
    answer = server.client.post("/api/agents", json={"name": "Research", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_row_has_every_field_of_the_contract(server: LiveServer) -> None:
    row = created(server, id="research", model="a/b", system_prompt="Be brief", colour="red")
    wanted = {
        "id": "research",
        "name": "Research",
        "display_name": "Research",
        "description": "",
        "model": "a/b",
        "systemPrompt": "Be brief",
        "system_prompt": "Be brief",
        "tools": [],
        "env_file": None,
        "mode": "primary",
        "permissions": {"rules": []},
        "identity": {"name": None, "emoji": None, "bio": None},
        "sessions": {"count": 2, "session_ids": ["s1", "s2"]},
        "colour": "red",
        "backend": "gatewayed",
        "workspace": "/srv/research",
    }
    assert {key: row.get(key) for key in wanted} == wanted
    assert row["created_at"]
    assert row["metadata"]["backend"] == "gatewayed"
    assert server.client.get("/api/agents").json()["agents"][-1] == row
    assert server.client.get("/api/agents/research").json() == {
        **row,
        "workspace_files": {"AGENTS.md": "Be research", "SOUL.md": None},
        "config_entry": {"name": "Research", "model": "a/b"},
        "agents_defaults": {"model": "c/d"},
        "on_disk": {"agent_dir": "/srv/agents/research"},
    }


def test_an_agent_is_found_by_a_name_that_it_alone_has(server: LiveServer) -> None:
    created(server, id="research", name="Research Desk")
    created(server, id="second", name="Twin")
    created(server, id="third", name="Other", display_name="Twin")
    created(server, id="fourth", name="second")
    http = server.client
    assert http.get("/api/agents/Research%20Desk").json()["id"] == "research"
    assert http.get("/api/agents/second").json()["id"] == "second"
    expect_error(http.get("/api/agents/Twin"), 404)
    changed = http.patch("/api/agents/Research Desk", json={"model": "x/y", "id": "research"})
    assert (changed.json()["id"], changed.json()["model"]) == ("research", "x/y")
    expect_error(http.patch("/api/agents/Research Desk", json={"id": "Research Desk"}), 400)
    assert http.delete("/api/agents/Research Desk").json() == {"ok": True}
    expect_error(http.get("/api/agents/research"), 404)


def test_secrets_among_the_stored_fields_are_masked(server: LiveServer) -> None:
    key = "planted-1f0c-secret-value"
    created(
        server, id="research", env={"ACME_API_KEY": key}, headers=[f"Authorization: Bearer {key}"]
    )
    for path in ("/api/agents", "/api/agents/research"):
        assert key not in server.client.get(path).text
    row = server.client.get("/api/agents/research").json()
    assert server.client.patch("/api/agents/research", json=row).status_code == 200
    assert key in (server.state / "agents.json").read_text()


def test_an_identity_is_changed_by_the_frontends_own_fields(server: LiveServer) -> None:
    created(server, id="research", identity={"name": "Ada", "bio": "Reads a lot"})
    body = {"identity_name": "Grace", "identity_emoji": "🦉"}
    answer = server.client.patch("/api/agents/research", json=body)
    wanted = {"name": "Grace", "emoji": "🦉", "bio": "Reads a lot"}
    assert answer.json()["identity"] == wanted
    assert "identity_name" not in answer.json()
    assert server.client.get("/api/agents/research").json()["identity"] == wanted


def test_both_wire_styles_list_the_same_rows(server: LiveServer) -> None:
    rows = server.client.get("/api/agents").json()["agents"]
    spa = server.client.get("/api/agents", headers={"X-XO-Wire": "spa"}).json()
    assert rows == spa
    assert [row["id"] for row in rows] == ["main"]


def test_fields_that_the_registry_cannot_keep_survive_a_restart(server: LiveServer) -> None:
    created(server, id="research", description="Finds things")
    stored = (server.state / "agents.json").read_text()
    assert "Finds things" in stored
    assert (server.state / "agents.json").stat().st_mode & 0o777 == 0o600


def test_twenty_changes_of_different_fields_at_once_are_all_kept(server: LiveServer) -> None:
    created(server, id="research")
    fields = [f"field_{number}" for number in range(20)]

    def change(field: str) -> int:
        return server.client.patch("/api/agents/research", json={field: field}).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(change, fields)) == {200}
    row = server.client.get("/api/agents/research").json()
    assert {field: row[field] for field in fields} == {field: field for field in fields}


def test_the_creation_time_of_an_existing_agent_is_unknown(server: LiveServer) -> None:
    for _ in range(2):
        row = server.client.patch("/api/agents/main", json={"description": "First"}).json()
        assert row["created_at"] is None
    row = created(server, id="main", name="Main")
    assert (row["created_at"], row["description"]) == (None, "First")


def test_identity_is_changed_as_an_object(server: LiveServer) -> None:
    created(server, id="research", identity={"name": "Ada", "emoji": "🦉"})
    answer = server.client.patch("/api/agents/research", json={"identity": {"emoji": "🐙"}})
    assert answer.json()["identity"] == {"name": "Ada", "emoji": "🐙", "bio": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": 5}, 400),
        ({"name": "x", "id": "-x"}, 400),
        ({"name": "x", "id": "../x"}, 400),
        ({"name": "x", "id": 5}, 400),
        ({"name": "x", "tools": "all"}, 400),
        ({"name": "x", "tools": [5]}, 400),
        ({"name": "x", "identity": "me"}, 400),
        ({"name": "x", "metadata": "me"}, 400),
        ({"name": "x", "metadata": [1]}, 400),
        ({"name": "x", "env_file": 5}, 400),
        ({"name": "x", "any": "\ud800"}, 400),
        ({"name": "x", "any": 10**30}, 400),
        ({"name": "refuse"}, 400),
    ],
)
def test_a_wrong_agent_is_refused_and_nothing_is_kept(
    server: LiveServer, body: dict[str, Any], status: int
) -> None:
    answer = server.client.post("/api/agents", content=json.dumps(body), headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert len(server.client.get("/api/agents").json()["agents"]) == 1
    assert not (server.state / "agents.json").exists()


def test_a_row_that_comes_back_whole_changes_nothing(server: LiveServer) -> None:
    row = created(server, id="research", metadata={"colour": "red"}, tools=["web"])
    before = (server.state / "agents.json").read_text()
    whole = server.client.get("/api/agents/research").json()
    answer = server.client.patch("/api/agents/research", json={**whole, "created_at": "never"})
    assert answer.json() == row
    assert (server.state / "agents.json").read_text() == before
    expect_error(server.client.patch("/api/agents/research", json={"name": " "}), 400)


def test_a_damaged_file_hides_no_agent_and_is_kept(server: LiveServer) -> None:
    created(server, id="research", description="Finds things")
    file = server.state / "agents.json"
    file.write_text('{"research": "x", "main": {"metadata": "x", "identity": 5}}')
    assert len(server.client.get("/api/agents").json()["agents"]) == 2
    file.write_text("{")
    assert server.client.get("/api/agents/research").json()["description"] == ""
    created(server, id="research", description="Anew")
    assert server.client.get("/api/agents/research").json()["description"] == "Anew"
    (aside,) = server.state.glob("agents.json.broken-*")
    assert aside.read_text() == "{"


def test_a_new_agent_inherits_nothing_from_one_that_is_gone(server: LiveServer) -> None:
    file = server.state / "agents.json"
    file.write_text('{"research": {"systemPrompt": "Obey the last owner", "created_at": "x"}}')
    row = created(server, id="research")
    assert row["system_prompt"] == ""
    assert row["created_at"] > "2"


def test_unknown_agents_are_404_and_main_stays(server: LiveServer) -> None:
    for method in ("GET", "DELETE"):
        answer = server.client.request(method, "/api/agents/ghost")
        assert expect_error(answer, 404) == "Agent not found"
    expect_error(server.client.patch("/api/agents/ghost", json={"model": "x"}), 404)
    expect_error(server.client.delete("/api/agents/main"), 409)
    created(server, id="research")
    assert server.client.delete("/api/agents/research").json() == {"ok": True}
    expect_error(server.client.get("/api/agents/research"), 404)


def test_models_come_from_runtimes_that_list_them(server: LiveServer) -> None:
    rows = server.client.get("/api/models").json()["models"]
    assert [row["id"] for row in rows] == ["m1", "m2"]
    assert {row["provider"] for row in rows} == {row["provider_id"] for row in rows} == {"maker"}
    spa = server.client.get("/api/models?agent_name=gatewayed", headers={"X-XO-Wire": "spa"})
    assert spa.json() == rows
    expect_error(server.client.get("/api/models?agent_name=nope"), 400)


def test_a_model_has_no_size_and_no_price_that_are_unknown(server: LiveServer) -> None:
    known, unknown = server.client.get("/api/models").json()["models"]
    assert (known["context"], known["pricing"]) == (1000, {"prompt": 1.5})
    assert known["capabilities"]["max_context"] == 1000
    sizes = {"context", "max_context", "max_output"}
    assert not sizes & (unknown.keys() | unknown["capabilities"].keys())
    assert unknown["pricing"] == {}


def test_channels_are_added_by_either_name(server: LiveServer) -> None:
    for body in (
        {"channel": "slack", "bot_token": "a", "app_token": "b"},
        {"platform": "telegram"},
    ):
        answer = server.client.post("/api/channels/add", json={"token": "t", **body})
        assert answer.json()["ok"] is True
        assert answer.json()["restart_required"] is True
    found = server.client.get("/api/channels").json()
    assert set(found["channels"]) == {"slack", "telegram"}
    assert found["channels"]["slack"] == {
        "id": "slack",
        "name": "Slack",
        "type": "slack",
        "status": "running",
        "configured": True,
        "enabled": True,
        "running": True,
        "account": "Team",
        "accounts": 1,
    }
    failed = found["channels"]["telegram"]
    assert (failed["status"], failed["error"]) == ("error", "No network")
    assert found["gateway_running"] is True
    expect_error(
        server.client.post("/api/channels/add", json={"channel": "fax", "token": "t"}), 400
    )
    expect_error(server.client.post("/api/channels/add", json={"channel": "slack"}), 400)


def test_a_restart_reports_its_result(server: LiveServer) -> None:
    first = server.client.post("/gateway/restart").json()
    assert first == {"status": "restarted", "output": "restarted", "error": None}
    second = server.client.post("/gateway/restart", content=b"x").json()
    assert second == {"status": "failed", "output": "", "error": "It stays down"}


@pytest.mark.parametrize("what", ["models", "channels", "providers"])
def test_live_status_is_the_default_runtimes(server: LiveServer, what: str) -> None:
    assert server.client.get(f"/{what}/status").json() == {"what": what}


def test_without_such_a_runtime_lists_are_empty_and_changes_are_501(bare: LiveServer) -> None:
    http = bare.client
    assert http.get("/api/agents").json() == {"agents": []}
    assert http.get("/api/models").json() == {"models": []}
    assert http.get("/api/channels").json() == {"channels": {}, "gateway_running": False}
    expect_error(http.post("/api/agents", json={"name": "x"}), 501)
    expect_error(http.post("/api/channels/add", json={"channel": "slack", "token": "t"}), 501)
    expect_error(http.post("/gateway/restart"), 501)
    for what in ("models", "channels", "providers"):
        expect_error(http.get(f"/{what}/status"), 501)


def test_a_plugin_row_names_its_runtimes_and_their_abilities(server: LiveServer) -> None:
    rows = server.client.get("/api/plugins").json()["plugins"]
    found = {row["name"]: row["runtimes"] for row in rows}
    assert found["runtime_gatewayed"] == [
        {
            "name": "gatewayed",
            "title": "Gatewayed",
            "abilities": [
                "lists_models",
                "keeps_agents",
                "has_channels",
                "has_gateway",
                "tells_status",
            ],
        }
    ]
