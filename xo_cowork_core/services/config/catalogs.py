"""What agents work with: the tools, MCP servers and automations of all runtimes that list them."""

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from xo_cowork_core.sdk.runtime.catalog import (
    Automation,
    ListsAutomations,
    ListsMcpServers,
    ListsTools,
    McpServer,
    Tool,
)
from xo_cowork_core.services.runtimes.collect import Request, collect
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.workspace import Workspace

T = TypeVar("T")
# the name of a runtime, and what it listed
Listed: TypeAlias = tuple[str, T]
TOOLS = Request(ListsTools, "list its tools")
MCP_SERVERS = Request(ListsMcpServers, "list its MCP servers")
AUTOMATIONS = Request(ListsAutomations, "list its automations")


class Catalogs:
    """Lists what agents work with; a runtime that can't be asked is left out."""

    def __init__(self, registry: Registry, workspace: Workspace) -> None:
        self._registry = registry
        self._workspace = workspace

    async def tools(self) -> Sequence[Listed[Tool]]:
        """Return the tools of agents."""
        return _flat(await collect(self._registry.runtimes(), TOOLS, ListsTools.tools))

    async def mcp_servers(self, workspace: str | None) -> Sequence[Listed[McpServer]]:
        """Return the MCP servers of turns in a workspace, a project's id or a path.

        Raises BadRequest, Forbidden or NotFound.
        """
        cwd = await self._workspace.find_folder(workspace)
        runtimes = self._registry.runtimes()
        return _flat(await collect(runtimes, MCP_SERVERS, ListsMcpServers.mcp_servers, cwd))

    async def automations(self) -> Sequence[Listed[Automation]]:
        """Return the work that agents do by themselves."""
        runtimes = self._registry.runtimes()
        return _flat(await collect(runtimes, AUTOMATIONS, ListsAutomations.automations))


def _flat(
    lists: Sequence[tuple[RegisteredRuntime, Sequence[T]]],
) -> Sequence[Listed[T]]:
    return [(registered.info.name, item) for registered, items in lists for item in items]
