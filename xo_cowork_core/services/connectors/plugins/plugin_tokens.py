"""The tokens of one plugin's connectors. Implements `sdk.ConnectorTokens`."""

from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.oauth_sessions import check_owner
from xo_cowork_core.services.runtimes.registry import Registry


class PluginTokens:
    """Reaches the connections of the plugin's own connectors, and no others."""

    def __init__(self, plugin: str, registry: Registry, connections: Connections) -> None:
        self._plugin = plugin
        self._registry = registry
        self._connections = connections

    async def get(self, connector: str, connection: str = DEFAULT_CONNECTION) -> TokenSet:
        check_owner(self._registry, self._plugin, connector)
        return await self._connections.get(connector, connection)

    async def refresh(
        self, connector: str, refused: TokenSet, connection: str = DEFAULT_CONNECTION
    ) -> TokenSet:
        check_owner(self._registry, self._plugin, connector)
        return await self._connections.replace_refused(connector, connection, refused)

    async def set(
        self, connector: str, tokens: TokenSet, connection: str = DEFAULT_CONNECTION
    ) -> None:
        check_owner(self._registry, self._plugin, connector)
        await self._connections.set_tokens(connector, connection, tokens)

    async def delete(self, connector: str, connection: str = DEFAULT_CONNECTION) -> None:
        check_owner(self._registry, self._plugin, connector)
        await self._connections.delete(connector, connection)
