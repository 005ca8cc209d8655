"""Agents without a gateway: OpenClaw's configuration file is the registry."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer
from xo_runtime_openclaw.json5_reader import read_json5

NOBODY = "ws://127.0.0.1:9"
COMMENTED = """\
// ours
{
  gateway: { mode: "local", auth: { mode: "token", token: "planted" } }, // keep
  agents: {
    defaults: { model: { primary: "a/b" } },
    entries: {
      main: { name: "Boss", model: { primary: "a/b", fallbacks: ["c/d"] } },
      ada: { // the second
        identity: { name: "Ada", theme: "owl", },
        tts: { provider: "x", apiKey: "planted" },
      },
    },
    ownership: "explicit",
  },
  bindings: [{ agentId: "main", match: { channel: "telegram" } },
    { agentId: "ada", match: { channel: "slack" } }, /* last */],
  talk: { agentId: "ada" },
}
"""


class Place:
    """A server without a gateway, and its OpenClaw folder."""

    def __init__(self, server: LiveServer, file: Path) -> None:
        self.http = server.client
        self.server = server
        self.file = file

    @property
    def text(self) -> str:
        return self.file.read_text()

    @property
    def config(self) -> Any:
        return read_json5(self.text)

    def row(self, agent_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/agents/{agent_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self) -> list[str]:
        return [row["id"] for row in self.http.get("/api/agents").json()["agents"]]

    def change(self, agent_id: str, **fields: Any) -> httpx.Response:
        return self.http.patch(f"/api/agents/{agent_id}", json=fields)


@contextmanager
def opened(text: str | None = None, **more: str) -> Iterator[Place]:
    environment = {"XO_PLUGINS": "runtime_openclaw", "OPENCLAW_GATEWAY_URL": NOBODY, **more}
    server = LiveServer(environment=environment)
    file = server.home / ".openclaw" / "openclaw.json"
    file.parent.mkdir()
    if text is not None:
        file.write_text(text)
    with server:
        yield Place(server, file)


@pytest.fixture
def place() -> Iterator[Place]:
    with opened(COMMENTED) as opened_place:
        yield opened_place


def test_a_new_file_names_main_too_and_is_private():
    with opened() as place:
        assert place.ids() == ["main"]
        assert not place.file.exists()
        response = place.http.post(
            "/api/agents", json={"name": "Ada B", "systemPrompt": "Be brief"}
        )
        assert response.json()["id"] == "ada-b"
        assert response.json()["system_prompt"] == "Be brief"
        home = place.file.parent
        assert place.file.stat().st_mode & 0o777 == 0o600
        assert place.config["gateway"]["mode"] == "local"
        owner = {"agentId": "main"}
        assert place.config["talk"] == owner
        assert place.config["agents"] == {
            "ownership": "explicit",
            "defaults": {"systemAgent": owner, "heartbeat": owner},
            "entries": {
                "main": {"workspace": f"{home}/workspace"},
                "ada-b": {
                    "workspace": f"{home}/workspace-ada-b",
                    "agentDir": f"{home}/agents/ada-b/agent",
                    "name": "Ada B",
                },
            },
        }


def test_comments_survive_and_only_what_was_named_changes(place: Place):
    assert place.change("ada", model="e/f", identity={"emoji": "🦉"}, colour="red").json()["model"]
    lines = place.text.splitlines()
    for kept in COMMENTED.splitlines():
        assert kept in lines or "identity" in kept
    entry = place.config["agents"]["entries"]["ada"]
    assert entry["identity"] == {"name": "Ada", "theme": "owl", "emoji": "🦉"}
    assert entry["model"] == "e/f"
    assert "colour" not in entry
    assert place.row("ada")["colour"] == "red"


def test_a_new_primary_model_keeps_the_fallbacks(place: Place):
    assert place.row("main")["model"] == "a/b"
    assert place.change("main", model="x/y").json()["model"] == "x/y"
    main = place.config["agents"]["entries"]["main"]
    assert main["model"] == {"primary": "x/y", "fallbacks": ["c/d"]}


def test_no_secret_of_an_entry_is_shown(place: Place):
    assert "planted" not in place.http.get("/api/agents").text
    assert place.row("ada")["tts"] == {"provider": "x"}


def test_the_detail_of_an_agent_masks_secrets_and_reads_its_instructions(place: Place):
    home = place.file.parent
    workspace = home / "workspace-ada"
    workspace.mkdir()
    (workspace / "AGENTS.md").write_text("Be brief")
    (workspace / "SOUL.md").write_bytes(b"caf\xe9")
    (workspace / "USER.md").symlink_to(place.file)
    (workspace / "TOOLS.md").mkdir()
    (home / "agents" / "ada" / "agent").mkdir(parents=True)
    row = place.row("ada")
    assert row["workspace"] == row["metadata"]["workspace"] == str(workspace)
    assert row["workspace_files"] == {
        "AGENTS.md": "Be brief",
        "SOUL.md": "caf\ufffd",
        "IDENTITY.md": None,
        "USER.md": None,
        "TOOLS.md": None,
        "MEMORY.md": None,
    }
    assert row["config_entry"]["tts"] == {"provider": "x", "apiKey": "••••"}
    assert row["agents_defaults"] == {"model": {"primary": "a/b"}}
    assert row["on_disk"] == {"agent_dir": str(home / "agents" / "ada" / "agent")}
    assert place.row("main")["on_disk"] == {"agent_dir": None}


@pytest.mark.parametrize(
    ("entry", "shared", "expected"),
    [
        ("", "", "{home}/.openclaw/workspace-ada"),
        ("~/work", "/srv/all", "{home}/work"),
        ("/srv/ada/", "", "/srv/ada"),
        ("notes", "", "{home}/notes"),
        ("", "~/all", "{home}/all/ada"),
    ],
)
def test_a_workspace_is_an_absolute_folder(entry: str, shared: str, expected: str):
    agents = {"defaults": {"workspace": shared}, "entries": {"main": {}, "ada": {}}}
    agents["entries"]["ada"] = {"workspace": entry}
    with opened(json.dumps({"agents": agents})) as place:
        rows = {row["id"]: row for row in place.http.get("/api/agents").json()["agents"]}
        home = str(place.server.home)
        assert rows["ada"]["workspace"] == expected.format(home=home)
        shared_folder = shared.replace("~", home)
        assert rows["main"]["workspace"] == (
            f"{shared_folder}/main" if shared else f"{home}/.openclaw/workspace-main"
        )


@pytest.mark.parametrize("entries", [{}, {"main": {"default": True}, "ada": {}}])
def test_the_only_or_the_marked_agent_has_the_shared_workspace(entries: dict[str, Any]):
    with opened(json.dumps({"agents": {"entries": entries}})) as place:
        assert place.row("main")["workspace"] == f"{place.server.home}/.openclaw/workspace"


def test_the_bio_of_an_identity_is_stored_beside_the_configuration(place: Place):
    identity = {"name": "Ada", "emoji": "🦉", "bio": "Counts"}
    assert place.change("ada", identity=identity).status_code == 200
    assert place.row("ada")["identity"] == {**identity, "theme": "owl"}
    assert "Counts" not in place.text
    assert place.change("ada", identity_name="Grace").json()["identity"]["name"] == "Grace"
    assert place.config["agents"]["entries"]["ada"]["identity"] == {
        "name": "Grace",
        "theme": "owl",
        "emoji": "🦉",
    }


def test_a_row_that_comes_back_whole_leaves_the_file_alone(place: Place):
    before = place.text
    assert place.change("ada", **place.row("ada")).status_code == 200
    assert place.text == before


def test_a_removed_agent_takes_with_it_what_points_at_it(place: Place):
    assert place.http.delete("/api/agents/ada").json() == {"ok": True}
    assert place.ids() == ["main"]
    assert place.config["bindings"] == [{"agentId": "main", "match": {"channel": "telegram"}}]
    assert place.config["talk"] == {"agentId": "main"}
    assert place.http.delete("/api/agents/ada").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"identity": {"vibe": "x"}},
        {"identity": {"avatar": "../x.png"}},
        {"skills": "all"},
        {"thinkingDefault": "much"},
        {"bootstrapMaxChars": 0},
        {"workspace": 5},
        {"decisionModel": "fast"},
        {"sandbox": {"mode": "off"}},
        {"sandbox": "off"},
    ],
)
def test_what_openclaw_would_refuse_changes_nothing(place: Place, fields: dict[str, Any]):
    answer = place.change("ada", description="new", **fields)
    assert answer.status_code == 400, answer.text
    assert place.text == COMMENTED


def test_fields_that_are_not_openclaws_do_not_touch_its_file(place: Place):
    before = place.file.stat().st_mtime_ns
    assert place.change("ada", tools=["read"], systemPrompt="x", colour="red").status_code == 200
    assert place.file.stat().st_mtime_ns == before


def test_three_backups_are_kept(place: Place):
    for number in range(5):
        place.change("ada", description=f"d{number}")
    texts = [Path(f"{place.file}{end}").read_text() for end in (".bak", ".bak.1", ".bak.2")]
    descriptions = [read_json5(text)["agents"]["entries"]["ada"]["description"] for text in texts]  # type: ignore[index,call-overload]
    assert descriptions == ["d3", "d2", "d1"]
    assert Path(f"{place.file}.bak").stat().st_mode & 0o777 == 0o600
    assert not Path(f"{place.file}.bak.3").exists()


def test_twenty_changes_at_once_are_all_kept(place: Place):
    valid = ["description", "cwd", "utilityModel", "decisionModel", "name", "model"]
    fields = [*valid, *(f"field_{number}" for number in range(20 - len(valid)))]
    with ThreadPoolExecutor(20) as pool:
        done = pool.map(lambda name: place.change("ada", **{name: f"x/{name}"}).status_code, fields)
        assert set(done) == {200}
    row = place.row("ada")
    assert {name: row[name] for name in fields} == {name: f"x/{name}" for name in fields}


@pytest.mark.parametrize("marker", [True, False])
def test_last_years_list_stays_a_list(marker: bool):
    rows = [{"id": "main"}, {"id": "ada", **({"default": True} if marker else {})}]
    agents = {"list": rows, **({} if marker else {"ownership": "explicit"})}
    with opened(json.dumps({"gateway": {"mode": "local"}, "agents": agents})) as place:
        assert place.ids() == (["ada", "main"] if marker else ["main", "ada"])
        assert place.change("main", name="Boss").status_code == 200
        assert place.http.post("/api/agents", json={"name": "Bob"}).status_code == 200
        assert place.http.delete("/api/agents/ada").status_code == 200
        agents = place.config["agents"]
        assert [row["id"] for row in agents["list"]] == ["main", "bob"]
        assert agents["list"][0]["name"] == "Boss"
        assert agents["ownership"] == "explicit"
        assert "entries" not in agents


def test_a_bare_list_becomes_todays_shape():
    text = '{gateway: {mode: "local"}, // x\n agents: [{id: "ada", default: true}, {id: "bob"}]}'
    with opened(text) as place:
        assert place.ids() == ["ada", "bob"]
        assert place.change("bob", name="Bob").status_code == 200
        assert place.config["agents"] == {
            "entries": {"ada": {}, "bob": {"name": "Bob"}},
            "ownership": "explicit",
            "defaults": {"systemAgent": {"agentId": "ada"}, "heartbeat": {"agentId": "ada"}},
        }
        assert "// x" in place.text


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"agents": {"entries": []}}'])
def test_a_file_that_is_not_understood_is_left_alone(text: str):
    with opened(text) as place:
        answer = place.http.post("/api/agents", json={"name": "Ada"})
        assert answer.status_code in {409, 503}, answer.text
        assert place.text == text


def test_agents_of_an_included_file_are_not_overlaid():
    with opened('{agents: {$include: "./agents.json5"}}') as place:
        assert place.http.post("/api/agents", json={"name": "Ada"}).status_code == 409


def test_another_file_may_be_named(tmp_path: Path):
    file = tmp_path / "real.json5"
    file.write_text("{agents: {entries: {ada: {}}}}")
    link = tmp_path / "link.json5"
    link.symlink_to(file)
    with opened(OPENCLAW_CONFIG_PATH=str(link)) as place:
        assert place.ids() == ["ada"]
        assert place.change("ada", name="Ada").status_code == 200
        assert link.is_symlink()
        assert "Ada" in file.read_text()


def test_a_field_that_only_openclaw_checks_waits_for_its_word(tmp_path: Path):
    mute = tmp_path / "openclaw"
    mute.write_text("#!/bin/sh\necho 'out of order' >&2\nexit 1\n")
    mute.chmod(0o755)
    with opened(COMMENTED, OPENCLAW_CLI_PATH=str(mute)) as place:
        answer = place.change("ada", sandbox={"mode": "off"})
        assert answer.status_code == 400
        assert "`sandbox`" in answer.text
        assert place.text == COMMENTED
        assert place.change("ada", description="plain").status_code == 200
