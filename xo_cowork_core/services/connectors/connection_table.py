"""The connections that are stored or being made, by connector and name."""

import re
from collections.abc import Callable, Iterator, Sequence

from xo_cowork_core.sdk import BadRequest, Conflict
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION
from xo_cowork_core.services.connectors.connection import Connection
from xo_cowork_core.services.connectors.oauth_sessions import find_connector
from xo_cowork_core.services.connectors.token_store import TokenStore
from xo_cowork_core.services.runtimes.registry import Registry

CONNECTION_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,31}")
MAX_CONNECTIONS = 32


class ConnectionTable:
    """Has one `Connection` for each that is stored. `on_change` is called after its changes."""

    def __init__(
        self, registry: Registry, store: TokenStore, on_change: Callable[[Connection], None]
    ) -> None:
        self._registry = registry
        self._store = store
        self._on_change = on_change
        self._connections: dict[tuple[str, str], Connection] = {}

    def find(self, connector: str, name: str) -> Connection:
        """Return a connection, which may be empty. Raises NotFound for an unknown connector."""
        find_connector(self._registry, connector)
        known = self._connections.get((connector, name))
        if known is None:
            known = Connection(connector, name, self._store, self._on_change)
            # an unknown name comes from a request: it is not kept
            if known.row is not None:
                self._connections[connector, name] = known
        return known

    def obtain(self, connector: str, name: str) -> Connection:
        """Return a connection that will be stored.

        Raises NotFound, BadRequest for a malformed name, Conflict when there are too many.
        """
        self.check_name(connector, name)
        return self._connections.setdefault((connector, name), self.find(connector, name))

    def check_name(self, connector: str, name: str) -> None:
        """Raise BadRequest for a malformed name, Conflict when there are too many connections."""
        if not CONNECTION_NAME.fullmatch(name):
            raise BadRequest("A connection's name has up to 32 of the characters a-z, 0-9, _ and -")
        rows = self._store.rows(connector)
        if name not in rows and len(rows) >= MAX_CONNECTIONS:
            raise Conflict(f"{connector} has {MAX_CONNECTIONS} connections already")

    def drop(self, connection: Connection) -> None:
        """Remove a connection that is no longer stored."""
        self._connections.pop((connection.connector, connection.name), None)

    def names(self, connector: str) -> Sequence[str]:
        """Return the names of a connector's connections, `default` first and always."""
        others = sorted(set(self._store.rows(connector)) - {DEFAULT_CONNECTION})
        return [DEFAULT_CONNECTION, *others]

    def stored(self) -> Iterator[Connection]:
        """Yield the stored connections of registered connectors."""
        for connector in sorted(self._registry.connectors):
            for name in self._store.rows(connector):
                yield self.find(connector, name)

    def all(self) -> Sequence[Connection]:
        """Return the connections that may have a task."""
        return list(self._connections.values())
