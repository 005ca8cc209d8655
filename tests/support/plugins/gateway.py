"""A runtime with a registry of agents, channels and a gateway, for tests of those families."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from xo_cowork_core.sdk import (
    BadRequest,
    Event,
    HostContext,
    ListsModels,
    Model,
    NotFound,
    Runtime,
    RuntimeInfo,
    TextDelta,
    Turn,
    UpstreamFailed,
    hookimpl,
)
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.runtime.agents import (
    Agent,
    AgentDetail,
    GatewayStatus,
    HasChannels,
    HasGateway,
    KeepsAgents,
    ReportsStatus,
)


class GatewayRuntime(Runtime, KeepsAgents, HasChannels, HasGateway, ReportsStatus, ListsModels):
    """Keeps agents in memory. Each save yields between reading and writing, so races show."""

    def __init__(self) -> None:
        self._agents: dict[str, dict[str, object]] = {"main": {}}
        self._channels: dict[str, Json] = {}
        self._restarts = 0

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("gatewayed", "Gatewayed", rank=10)

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta("hi")

    @property
    def agent_fields(self) -> frozenset[str]:
        return frozenset({"name", "model"})

    async def agents(self) -> Sequence[Agent]:
        return [self._agent(key) for key in self._agents]

    async def agent_detail(self, agent_id: str) -> AgentDetail:
        return AgentDetail(
            files={"AGENTS.md": f"Be {agent_id}", "SOUL.md": None},
            config_entry=dict(self._agents[agent_id]),
            defaults={"model": "c/d"},
            agent_dir=f"/srv/agents/{agent_id}",
        )

    async def save_agent(self, agent_id: str, fields: Json) -> Agent:
        if fields.get("name") == "refuse":
            raise BadRequest("The registry refuses this name")
        before = dict(self._agents.get(agent_id, {}))
        await asyncio.sleep(0.01)
        self._agents[agent_id] = {**before, **fields}
        return self._agent(agent_id)

    def _agent(self, agent_id: str) -> Agent:
        return Agent(
            agent_id,
            dict(self._agents[agent_id]),
            session_count=2,
            is_default=agent_id == "main",
            workspace=f"/srv/{agent_id}",
            session_ids=["s1", "s2"],
        )

    async def delete_agent(self, agent_id: str) -> None:
        if agent_id not in self._agents:
            raise NotFound("Agent not found")
        del self._agents[agent_id]

    async def channels(self) -> Mapping[str, Json]:
        return self._channels

    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        if channel not in {"slack", "telegram", "discord"}:
            raise BadRequest(f"Unknown channel {channel!r}")
        state: Json = {"configured": True, "enabled": True, "running": True, "error": None}
        if channel == "telegram":
            state = {**state, "running": False, "error": "No network"}
        self._channels[channel] = {**state, "account": "Team", "accounts": 1}
        return True

    async def gateway(self) -> GatewayStatus:
        return GatewayStatus(installed=True, running=True, port=1, ws_url="ws://127.0.0.1:1")

    async def restart_gateway(self) -> str:
        self._restarts += 1
        if self._restarts > 1:
            raise UpstreamFailed("It stays down")
        return "restarted"

    async def status_of(self, subject: str) -> Json:
        return {"what": subject}

    async def models(self) -> Sequence[Model]:
        return [
            Model("m1", "Model One", "maker", context=1000, price_input=1.5, price_output=0.0),
            Model("m2", "Model Two", "maker"),
        ]


class Plugin:
    """Contributes the runtime."""

    @hookimpl
    def xo_runtimes(self, context: HostContext) -> Sequence[Runtime]:
        return [GatewayRuntime()]


plugin = Plugin()
