"""Administration of OpenClaw: agents, channels, the gateway, and their live status."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, HostContext, Json
from xo_cowork_core.sdk.runtime.agents import (
    Agent,
    AgentDetail,
    GatewayStatus,
    HasChannels,
    HasGateway,
    KeepsAgents,
    ReportsStatus,
)
from xo_cowork_core.sdk.runtime.catalog import (
    Automation,
    ListsAutomations,
    ListsMcpServers,
    ListsTools,
    McpServer,
    Tool,
)
from xo_cowork_core.sdk.runtime.configuration import (
    ListsProviders,
    Provider,
    ShowsConfiguration,
)
from xo_runtime_openclaw.config import agent_schema
from xo_runtime_openclaw.config.agents import Agents
from xo_runtime_openclaw.config.catalog import Catalog
from xo_runtime_openclaw.config.channels import Channels
from xo_runtime_openclaw.config.config_check import ConfigCheck
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.config.live_config import LiveConfig
from xo_runtime_openclaw.config.provider_status import ProviderStatus
from xo_runtime_openclaw.config.redacted import without_markers
from xo_runtime_openclaw.gateway.bootstrap import minimal_config
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.probe import answers
from xo_runtime_openclaw.gateway.restart import GatewayRestarter
from xo_runtime_openclaw.options import PROVIDERS, Options


class AdminServices:
    """The services that administer one OpenClaw, created once for a runtime."""

    def __init__(self, context: HostContext, options: Options, control: GatewayCalls) -> None:
        file = ConfigFile(options.config, minimal_config(options))
        check = ConfigCheck(context, options)
        live = LiveConfig(control)
        configuration = Configuration(live, file, check, is_local=options.loopback)
        self.agents = Agents(configuration, control, str(options.home))
        self.channels = Channels(context, options, configuration, control)
        self.provider_status = ProviderStatus(context, configuration, control)
        self.catalog = Catalog(configuration, control)
        self.configuration = configuration
        self.restarter = GatewayRestarter(context, options, control)
        self._context = context
        self._options = options

    async def gateway(self) -> GatewayStatus:
        """Return the state of the gateway."""
        options = self._options
        find = self._context.paths.binary
        running, binary = await asyncio.gather(
            answers(options, "/healthz"),
            asyncio.to_thread(find, "openclaw", options.binary),
        )
        return GatewayStatus(binary is not None, running, options.port, options.ws_url)


class AdminAbilities(
    KeepsAgents,
    HasChannels,
    HasGateway,
    ReportsStatus,
    ListsProviders,
    ShowsConfiguration,
    ListsTools,
    ListsMcpServers,
    ListsAutomations,
):
    """Implements the runtime's administrative abilities with `AdminServices`."""

    def __init__(self, services: AdminServices) -> None:
        self._services = services

    @property
    def agent_fields(self) -> frozenset[str]:
        return agent_schema.FIELDS

    async def agents(self) -> Sequence[Agent]:
        return await self._services.agents.all()

    async def agent_detail(self, agent_id: str) -> AgentDetail:
        return await self._services.agents.detail(agent_id)

    async def save_agent(self, agent_id: str, fields: Json) -> Agent:
        return await self._services.agents.save(agent_id, fields)

    async def delete_agent(self, agent_id: str) -> None:
        await self._services.agents.delete(agent_id)

    async def channels(self) -> Mapping[str, Json]:
        return await self._services.channels.all()

    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        return await self._services.channels.add(channel, tokens)

    async def providers(self) -> Sequence[Provider]:
        return PROVIDERS

    async def configuration(self) -> Json:
        return without_markers((await self._services.configuration.read()).config)

    async def tools(self) -> Sequence[Tool]:
        return await self._services.catalog.tools()

    async def mcp_servers(self, cwd: Path) -> Sequence[McpServer]:
        return await self._services.catalog.mcp_servers()

    async def automations(self) -> Sequence[Automation]:
        return await self._services.catalog.automations()

    async def gateway(self) -> GatewayStatus:
        return await self._services.gateway()

    async def restart_gateway(self) -> str:
        return await self._services.restarter.restart()

    async def status_of(self, subject: str) -> Json:
        """Return `models` or `providers` of `ProviderStatus`, or `channels`:
        `{runtime, gateway_running, channels: {<name>: state}}`.
        """
        if subject == "models":
            return await self._services.provider_status.models()
        if subject == "providers":
            return await self._services.provider_status.providers()
        if subject != "channels":
            raise BadRequest(f"OpenClaw has no status of {subject!r}")
        channels, gateway = await asyncio.gather(self.channels(), self.gateway())
        return {
            "runtime": "openclaw",
            "gateway_running": gateway.running,
            "channels": dict(channels),
        }
