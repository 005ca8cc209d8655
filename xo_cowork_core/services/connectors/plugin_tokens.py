"""The tokens of one plugin's connectors. Implements `sdk.ConnectorTokens`."""

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.status import DEFAULT_CONNECTION
from xo_cowork_core.services.runtimes.registry import Registry


class PluginTokens:
    """Reaches the connections of the plugin's own connectors, and no others."""

    def __init__(self, plugin: str, registry: Registry, connections: Connections) -> None:
        self._plugin = plugin
        self._registry = registry
        self._connections = connections

    async def get(self, connector: str, connection: str = DEFAULT_CONNECTION) -> TokenSet:
        self._check_owner(connector)
        return await self._connections.get(connector, connection)

    async def set(
        self, connector: str, tokens: TokenSet, connection: str = DEFAULT_CONNECTION
    ) -> None:
        self._check_owner(connector)
        await self._connections.set_tokens(connector, connection, tokens)

    async def delete(self, connector: str, connection: str = DEFAULT_CONNECTION) -> None:
        self._check_owner(connector)
        await self._connections.delete(connector, connection)

    def _check_owner(self, connector: str) -> None:
        registered = self._registry.connectors.get(connector)
        if registered is None or registered.plugin.name != self._plugin:
            raise NotFound(f"The plugin {self._plugin} has no connector {connector[:64]!r}.")
