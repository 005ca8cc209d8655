"""The states of one plugin's connections. Implements `sdk.connector.ConnectorConnections`."""

from collections.abc import Sequence

from xo_cowork_core.sdk.connector import DEFAULT_CONNECTION, ConnectionStatus
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.oauth_sessions import check_owner
from xo_cowork_core.services.runtimes.registry import Registry


class PluginConnections:
    """Reaches the connections of the plugin's own connectors, and no others."""

    def __init__(self, plugin: str, registry: Registry, connections: Connections) -> None:
        self._plugin = plugin
        self._registry = registry
        self._connections = connections

    def statuses(self, connector: str) -> Sequence[ConnectionStatus]:
        check_owner(self._registry, self._plugin, connector)
        return self._connections.statuses_of(connector)

    def status(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        check_owner(self._registry, self._plugin, connector)
        return self._connections.status(connector, connection)

    async def check(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        check_owner(self._registry, self._plugin, connector)
        return await self._connections.check(connector, connection)

    def export(self, connector: str) -> None:
        check_owner(self._registry, self._plugin, connector)
        self._connections.events.request_export()

    async def disconnect(
        self, connector: str, connection: str = DEFAULT_CONNECTION
    ) -> ConnectionStatus:
        check_owner(self._registry, self._plugin, connector)
        return await self._connections.disconnect(connector, connection)
