"""Of several runtimes with agents, channels and a gateway the first ready one answers for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

SOURCE = """
from pathlib import Path

from xo_cowork_core.sdk import ChecksHealth, Health, Runtime, RuntimeInfo, TextDelta, hookimpl
from xo_cowork_core.sdk.runtime.agents import (
    Agent, GatewayStatus, HasChannels, HasGateway, KeepsAgents,
)


class Keeper(Runtime, ChecksHealth, KeepsAgents, HasChannels, HasGateway):
    agent_fields = frozenset({{"name"}})
    kept = ["main"]

    def describe(self):
        return RuntimeInfo("{name}", "{name}", rank={rank})

    async def run(self, turn):
        yield TextDelta(turn.text)

    async def health(self):
        is_broken = (Path.home() / "{name}-is-broken").exists()
        return Health("failed" if is_broken else "ready", fresh_seconds=0)

    def check(self):
        if (Path.home() / "{name}-is-broken").exists():
            raise OSError("no battery")

    async def agents(self):
        self.check()
        return [Agent(agent_id, {{"name": "{name}"}}) for agent_id in self.kept]

    async def save_agent(self, agent_id, fields):
        self.check()
        self.kept.append(agent_id)
        return Agent(agent_id, fields)

    async def delete_agent(self, agent_id):
        self.check()
        self.kept.remove(agent_id)

    async def channels(self):
        self.check()
        return {{"{name}": {{}}}}

    async def add_channel(self, channel, tokens):
        self.check()
        return False

    async def gateway(self):
        return GatewayStatus(True, True, 1, "ws://127.0.0.1:1")

    async def restart_gateway(self):
        self.check()
        return "{name}"


class Plugin:
    @hookimpl
    def xo_runtimes(self):
        return [Keeper()]


plugin = Plugin()
"""
NAMES = ("first", "second")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("keepers")
    for rank, name in enumerate(NAMES):
        install_plugin(folder, f"runtime_{name}", SOURCE.format(name=name, rank=rank))
    plugins = ",".join(f"runtime_{name}" for name in NAMES)
    with LiveServer(environment={"XO_PLUGINS": plugins}, python_path=[folder]) as running:
        yield running


@pytest.fixture
def home(server: LiveServer) -> Iterator[Path]:
    yield server.home
    for file in server.home.glob("*-is-broken"):
        file.unlink()


def backend(server: LiveServer) -> str:
    (row,) = server.client.get("/api/agents", headers={"X-XO-Wire": "spa"}).json()
    return row["metadata"]["backend"]


def test_the_first_one_by_rank_answers_while_it_is_ready(server, home):
    (home / "second-is-broken").touch()
    assert backend(server) == "first"
    assert set(server.client.get("/api/channels").json()["channels"]) == {"first"}
    assert server.client.post("/gateway/restart").json()["output"] == "first"


def test_another_one_answers_while_the_first_is_broken(server, home):
    (home / "first-is-broken").touch()
    http = server.client
    assert backend(server) == "second"
    created = http.post("/api/agents", json={"name": "ada"})
    assert (created.status_code, created.json()["metadata"]["backend"]) == (200, "second")
    assert http.patch("/api/agents/ada", json={"description": "x"}).status_code == 200
    assert http.delete("/api/agents/ada").status_code == 200
    assert set(http.get("/api/channels").json()["channels"]) == {"second"}
    assert http.post("/api/channels/add", json={"channel": "x", "token": "t"}).status_code == 200
    assert http.post("/gateway/restart").json()["output"] == "second"


def test_the_first_one_tells_its_error_when_none_is_ready(server, home):
    for name in NAMES:
        (home / f"{name}-is-broken").touch()
    assert server.client.get("/api/agents").status_code == 502
    rows = server.client.get("/api/plugins").json()["plugins"]
    faults = {row["name"]: row["faults"] for row in rows}
    assert faults["runtime_first"] == ["agents() raised OSError: no battery"]
