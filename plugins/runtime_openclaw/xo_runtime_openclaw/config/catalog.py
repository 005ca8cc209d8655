"""What the gateway's agents work with: tools, MCP servers and automations."""

from collections.abc import Sequence

from xo_cowork_core.sdk import AgentFailure
from xo_cowork_core.sdk.kit import read_mcp_entries
from xo_cowork_core.sdk.runtime.catalog import Automation, McpServer, Tool
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable

ASK_SECONDS = 4.0
PAGE = 200


class Catalog:
    """Queries the gateway; MCP servers are read from the configuration."""

    def __init__(self, configuration: Configuration, control: GatewayCalls) -> None:
        self._configuration = configuration
        self._control = control

    async def tools(self) -> Sequence[Tool]:
        """Return the tools that the default agent may be given. Raises `Unavailable`."""
        catalog = row(await self._call("tools.catalog", {}))
        return [
            Tool(
                text_of(tool.get("id")),
                text_of(tool.get("description")),
                text_of(tool.get("source")) or "core",
            )
            for group in rows(catalog.get("groups"))
            for tool in rows(group.get("tools"))
            if text_of(tool.get("id"))
        ]

    async def mcp_servers(self) -> Sequence[McpServer]:
        """Return the servers of `mcp.servers`. Raises `Unavailable`."""
        config = (await self._configuration.read()).config
        return read_mcp_entries(row(config.get("mcp")).get("servers"))

    async def automations(self) -> Sequence[Automation]:
        """Return all jobs, also disabled ones. Raises `Unavailable`."""
        parameters = {"includeDisabled": True, "limit": PAGE}
        answer = row(await self._call("cron.list", parameters))
        return [
            Automation(
                text_of(job.get("id")),
                text_of(job.get("name")) or text_of(job.get("id")),
                _schedule(row(job.get("schedule"))),
                enabled=job.get("enabled") is not False,
            )
            for job in rows(answer.get("jobs"))
            if text_of(job.get("id"))
        ]

    async def _call(self, method: str, parameters: Row) -> object:
        try:
            return await self._control.call(method, parameters, seconds=ASK_SECONDS)
        except GatewayUnavailable as reason:
            raise reason.as_unavailable() from None
        except GatewayError as refused:
            raise AgentFailure(refused.text, code="upstream") from None


def _schedule(schedule: Row) -> str:
    """Return a schedule in words: a cron expression, a period in seconds, or a moment."""
    if expression := text_of(schedule.get("expr")):
        zone = text_of(schedule.get("tz"))
        return f"{expression} {zone}" if zone else expression
    every = schedule.get("everyMs")
    if isinstance(every, int | float) and every > 0:
        return f"every {every / 1000:g} s"
    at = schedule.get("at", schedule.get("atMs"))
    return f"at {at}" if isinstance(at, str | int) else text_of(schedule.get("kind"))
