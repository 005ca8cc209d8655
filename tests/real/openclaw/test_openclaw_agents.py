"""Agents and channels with the real OpenClaw: through its gateway, and in its file, which it must
accept after every operation."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import (
    GatewayProcess,
    environment,
    free_port,
    real_binary,
)
from tests.real.openclaw.config_reader import (
    ConfigReader,
    check_with_command,
    config_reader,
    list_with_command,
)
from xo_cowork_core.sdk.testing import LiveServer, eventually
from xo_runtime_openclaw.json5_reader import read_json5

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


class Openclaw:
    """A server, and the real OpenClaw whose file it changes."""

    def __init__(self, reader: ConfigReader, server: LiveServer, file: Path) -> None:
        self.reader = reader
        self.server = server
        self.http = server.client
        self.file = file

    @property
    def config(self) -> Any:
        return read_json5(self.file.read_text())

    def accepts_its_file(self) -> None:
        self.reader.check(self.file)

    def done(self, method: str, path: str, **body: Any) -> Any:
        """Do it, and see that OpenClaw still accepts its file."""
        answer = self.http.request(method, path, json=body or None, timeout=60)
        assert answer.status_code == 200, answer.text
        self.accepts_its_file()
        return answer.json()

    def refused(self, method: str, path: str, **body: Any) -> httpx.Response:
        before = self.file.read_text()
        answer = self.http.request(method, path, json=body or None, timeout=60)
        assert 400 <= answer.status_code < 500, answer.text
        assert read_json5(before) == self.config
        return answer


@pytest.fixture(scope="module")
def binary() -> Path:
    found = real_binary()
    if found is None:
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    return found


@pytest.fixture(scope="module")
def reader(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigReader]:
    with config_reader(binary, tmp_path_factory.mktemp("reader")) as running:
        yield running


@pytest.fixture
def live(reader: ConfigReader, real_openclaw: GatewayProcess) -> Iterator[Openclaw]:
    """A server beside a running gateway."""
    file = real_openclaw.home / ".openclaw" / "openclaw.json"
    values = {"XO_PLUGINS": "runtime_openclaw", "AGENT_NAME": "openclaw"}
    values |= {"OPENCLAW_CONFIG_PATH": str(file), **environment(real_openclaw.url)}
    with LiveServer(environment=values) as server:
        yield Openclaw(reader, server, file)


@pytest.fixture
def alone(reader: ConfigReader) -> Iterator[Openclaw]:
    """A server beside OpenClaw's file alone: nothing but the test checks what it writes."""
    with beside_a_file(reader) as openclaw:
        yield openclaw


@pytest.fixture
def installed(binary: Path, reader: ConfigReader) -> Iterator[Openclaw]:
    """A server beside an installed OpenClaw whose gateway is down.

    Each write costs 1 s of CPU: `openclaw config validate` checks it.
    """
    with beside_a_file(reader, OPENCLAW_CLI_PATH=str(binary)) as openclaw:
        yield openclaw


@contextmanager
def beside_a_file(reader: ConfigReader, **more: str) -> Iterator[Openclaw]:
    url = f"ws://127.0.0.1:{free_port()}"
    values = {"XO_PLUGINS": "runtime_openclaw", "OPENCLAW_GATEWAY_URL": url, **more}
    with LiveServer(environment=values) as server:
        yield Openclaw(reader, server, server.home / ".openclaw" / "openclaw.json")


def everything(openclaw: Openclaw) -> None:
    """Create, change and remove agents; OpenClaw accepts its file after each."""
    made = openclaw.done("POST", "/api/agents", name="Ada B", model="a/b", systemPrompt="Brief")
    assert (made["id"], made["name"], made["display_name"]) == ("ada-b", "Ada B", "Ada B")
    everyone = {"name": "Ada", "description": "Owl", "skills": ["a", "b"], "cwd": "~/x"}
    everyone |= {"thinkingDefault": "low", "fastModeDefault": "auto", "bootstrapMaxChars": 900}
    identity = {"name": "Lady Ada", "emoji": "🦉"}
    row = openclaw.done("PATCH", "/api/agents/ada-b", **everyone, identity=identity)
    assert everyone.items() <= row.items()
    changes = {"identity": {"emoji": "🐙"}, "skills": ["c"], "sandbox": {"mode": "off"}}
    row = openclaw.done("PATCH", "/api/agents/ada-b", **changes)
    assert row["identity"] == {"name": "Lady Ada", "emoji": "🐙", "bio": None}
    assert (row["skills"], row["sandbox"]) == (["c"], {"mode": "off"})
    openclaw.refused("PATCH", "/api/agents/ada-b", sandbox={"mode": "odd"})
    openclaw.refused("PATCH", "/api/agents/ada-b", identity={"vibe": "odd"})
    openclaw.refused("POST", "/api/agents", name="Odd", sandbox={"mode": "odd"})
    openclaw.done("PATCH", "/api/agents/main", name="Boss")
    openclaw.done("POST", "/api/agents", name="Bob", id="bob_2-")
    listed = openclaw.http.get("/api/agents").json()["agents"]
    assert listed[0]["id"] == "main"
    assert {found["id"] for found in listed} == {"main", "ada-b", "bob_2-"}
    openclaw.done("DELETE", "/api/agents/bob_2-")
    openclaw.done("DELETE", "/api/agents/ada-b")
    openclaw.refused("DELETE", "/api/agents/ada-b")
    assert openclaw.http.get("/api/agents").json()["agents"][0]["name"] == "Boss"


def test_the_workspaces_are_those_of_openclaw(alone: Openclaw, binary: Path) -> None:
    entries = {"main": {}, "ada": {}, "bob": {"workspace": "~/bob"}}
    agents = {"defaults": {"workspace": "~/all"}, "entries": entries, "ownership": "explicit"}
    alone.file.parent.mkdir(exist_ok=True)
    alone.file.write_text(json.dumps({"gateway": {"mode": "local"}, "agents": agents}))
    listed = list_with_command(binary, alone.file, alone.server.home)
    rows = alone.http.get("/api/agents").json()["agents"]
    assert {row["id"]: row["workspace"] for row in rows} == {
        row["id"]: row["workspace"] for row in listed
    }


def test_agents_through_the_gateway(live: Openclaw) -> None:
    everything(live)


def test_agents_in_the_file(installed: Openclaw) -> None:
    everything(installed)


def test_twenty_changes_at_once_through_the_gateway_are_all_kept(live: Openclaw) -> None:
    live.done("POST", "/api/agents", name="Many")
    known = ["description", "cwd", "utilityModel", "decisionModel", "name", "model"]
    fields = [*known, *(f"field_{number}" for number in range(20 - len(known)))]

    def change(field: str) -> str:
        answer = live.http.patch("/api/agents/many", json={field: f"x/{field}"}, timeout=120)
        return answer.text if answer.status_code != 200 else "kept"

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(change, fields)) == {"kept"}
    row = live.http.get("/api/agents/many").json()
    assert {field: row[field] for field in fields} == {field: f"x/{field}" for field in fields}
    live.accepts_its_file()
    live.done("DELETE", "/api/agents/many")


def gateway_knows(real_openclaw: GatewayProcess) -> set[str]:
    answer = httpx.get(
        f"http://127.0.0.1:{real_openclaw.port}/v1/models",
        headers={"Authorization": "Bearer fake-token"},
    )
    return {row["id"].removeprefix("openclaw/") for row in answer.json()["data"]}


def test_the_gateway_picks_up_an_agent_that_was_written_to_its_file(
    live: Openclaw, real_openclaw: GatewayProcess
) -> None:
    values = {
        "XO_PLUGINS": "runtime_openclaw",
        "OPENCLAW_CONFIG_PATH": str(live.file),
        "OPENCLAW_GATEWAY_URL": f"ws://127.0.0.1:{free_port()}",
    }
    with LiveServer(environment=values) as outsider:
        assert outsider.client.post("/api/agents", json={"name": "Late"}).status_code == 200
    eventually(lambda: "late" in gateway_knows(real_openclaw), 30, "the agent late")
    live.done("DELETE", "/api/agents/late")


COMMENTED = """\
// by hand
{
  gateway: { mode: 'local', bind: "loopback", auth: { mode: "token" }, }, /* keep */
  agents: {
    defaults: { skipBootstrap: true },
    AGENTS
  },
}
"""


@pytest.mark.parametrize(
    "shape",
    [
        "entries: { main: {}, ada: { name: 'Ada', }, }, ownership: 'explicit', // two",
        "list: [{ id: 'main' }, { id: 'ada', default: true }], // two",
        "list: [{ id: 'main' }, { id: 'ada' }], ownership: 'explicit', // two",
        "// none yet",
    ],
)
def test_every_shape_stays_acceptable_and_keeps_its_comments(alone: Openclaw, shape: str) -> None:
    alone.file.parent.mkdir()
    alone.file.write_text(COMMENTED.replace("AGENTS", shape))
    alone.accepts_its_file()
    alone.done("POST", "/api/agents", name="Bob", identity={"emoji": "🦉"})
    alone.done("PATCH", "/api/agents/main", description="x", model="a/b")
    if "ada" in shape:
        alone.done("DELETE", "/api/agents/ada")
    alone.done("DELETE", "/api/agents/bob")
    text = alone.file.read_text()
    for kept in ("// by hand", "/* keep */", shape[shape.index("//") :]):
        assert kept in text


def test_the_command_agrees_with_the_reader(binary: Path, alone: Openclaw, tmp_path: Path) -> None:
    alone.done("POST", "/api/agents", name="Bob")
    check_with_command(binary, alone.file, tmp_path)
    alone.file.write_text("{ agents: { entries: { main: {}, bob: {} } } }")
    with pytest.raises(AssertionError, match=r"agents\.ownership"):
        check_with_command(binary, alone.file, tmp_path)
    with pytest.raises(AssertionError, match=r"agents\.ownership"):
        alone.accepts_its_file()


def test_a_channel_is_switched_on_acceptably(alone: Openclaw) -> None:
    alone.done("POST", "/api/agents", name="Ada")
    for body in (
        {"channel": "telegram", "token": "1:x"},
        {"channel": "discord", "token": "x"},
        {"platform": "slack", "bot_token": "x", "app_token": "y"},
    ):
        assert alone.done("POST", "/api/channels/add", **body)["restart_required"] is False
    assert set(alone.config["channels"]) == {"telegram", "discord", "slack"}


def test_status_is_the_gateways(live: Openclaw) -> None:
    models = live.http.get("/models/status").json()
    assert models["source"] == "gateway"
    assert models["default"] == "fake/model-1"
    assert {row["id"] for row in models["models"]} >= {"fake/model-1"}
    providers = live.http.get("/providers/status")
    assert "fake-key" not in providers.text
    found = {row["id"]: row for row in providers.json()["providers"]}
    assert found["fake"]["key_set"] is True
    channels = live.http.get("/channels/status").json()
    assert channels == {"runtime": "openclaw", "gateway_running": True, "channels": {}}
    status = live.http.get("/api/channels/openclaw/status").json()
    assert status["running"] is True
