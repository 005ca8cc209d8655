"""The MCP servers that the agent of a turn gets, each an address of this server."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import NotFound, Turn, TurnMcpServer
from xo_cowork_core.sdk.connector import ProvidesMcpServer
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.project_access import ProjectAccessStore
from xo_cowork_core.services.mcp.endpoints import find_endpoint
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

MCP_PATH = "/mcp"
SCOPE = "mcp:"
NAME_PREFIX = "xo_"


class RunServers(NamedTuple):
    """Lists them. `base_url` is this server's address as this machine reaches it."""

    registry: Registry
    connections: Connections
    access: ProjectAccessStore
    tokens: RunTokens
    base_url: str

    def open(self, turn: Turn, agent_name: str) -> Sequence[TurnMcpServer]:
        """Return the servers for a turn; its token works until `tokens.end` of its stream.

        Those of connected connectors that the turn's project does not switch off.
        """
        access = self.access.find(turn.agent_id)
        names = [name for name in self._connected() if access.allows_mcp(name)]
        token = self.tokens.issue(turn, agent_name, [SCOPE + name for name in names])
        return _servers(names, self.base_url, token)

    def shared(self, plugin: str, agent_name: str) -> Sequence[TurnMcpServer]:
        """Return every server that a turn of a plugin's agent may get, with the token of all its
        turns. Raises NotFound for an agent of another plugin."""
        registered = self.registry.runtime(agent_name)
        if registered is None or registered.plugin.name != plugin:
            raise NotFound(f"The plugin {plugin} has no runtime {agent_name[:64]!r}.")
        names = [name for name, _ in self._providers()]
        return _servers(names, self.base_url, self.tokens.share(registered.info.name, SCOPE))

    def _connected(self) -> Iterator[str]:
        for name, registered in self._providers():
            if not registered.plugin.serves or not self.connections.status(name).is_connected:
                continue
            if find_endpoint(registered) is not None:
                yield name

    def _providers(self) -> Iterator[tuple[str, RegisteredConnector]]:
        for name, registered in sorted(self.registry.connectors.items()):
            if isinstance(registered.connector, ProvidesMcpServer):
                yield name, registered


def _servers(names: Sequence[str], base_url: str, token: SecretStr) -> Sequence[TurnMcpServer]:
    servers: dict[str, TurnMcpServer] = {}
    for connector in names:
        name = own = NAME_PREFIX + re.sub(r"[^a-z0-9]", "_", connector)
        # two names may differ in `-` and `_` alone
        while name in servers:
            name = f"{own}_{len(servers)}"
        servers[name] = TurnMcpServer(name, f"{base_url}{MCP_PATH}/{connector}", token)
    return list(servers.values())
