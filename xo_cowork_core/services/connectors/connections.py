"""All connections of one app."""

from collections.abc import Sequence

from xo_cowork_core.sdk.connector import SignInMethod
from xo_cowork_core.services.connectors.status import DEFAULT_CONNECTION, ConnectionStatus


class Connections:
    """Keeps the tokens of all connectors, and refreshes them."""

    def statuses(self) -> Sequence[ConnectionStatus]:
        """Return the connections of every registered connector, `default` first. From memory."""
        raise NotImplementedError

    def status(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Return one connection's status from memory.

        When the last check with the service is too old, another one starts in the background.
        Raises NotFound for an unknown connector; an unknown connection is `needs_auth`.
        """
        raise NotImplementedError

    async def check(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Ask the service whether the tokens work, at most once in 60 s, and return the status."""
        raise NotImplementedError

    async def disconnect(
        self, connector: str, connection: str = DEFAULT_CONNECTION
    ) -> ConnectionStatus:
        """Revoke the tokens at the provider (best effort, at most 10 s) and delete them here.

        Harmless when there are none. Raises NotFound, StorageFailed.
        """
        raise NotImplementedError

    def methods(self, connector: str) -> Sequence[SignInMethod]:
        """Return the connector's sign-in methods. Raises NotFound, UpstreamFailed."""
        raise NotImplementedError
