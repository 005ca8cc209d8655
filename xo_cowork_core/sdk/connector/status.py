"""The state of one connection, as a client sees it, and a plugin's access to its connections."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from xo_cowork_core.sdk.connector.connector import Account, ConnectionState
from xo_cowork_core.sdk.connector.methods import MethodKind
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

DEFAULT_CONNECTION = "default"


@frozen_dataclass
class ConnectionStatus:
    """One connection of one connector.

    `state` is `needs_auth` (nobody has signed in), `connected`, `refreshing`, `degraded` (the
    service can't confirm or refresh the tokens now; they are kept), `needs_reauth` (a person has
    to sign in again) or `disconnected`. `kind` is `authorization_code`, `device_code`, `api_key`,
    `command` or `agent`. `reason` is a sentence for people, and `since` the time from which it
    holds; `next_try` is the time of the next attempt while the state is `degraded`. `checked_at`
    is the time at which the service last confirmed the tokens. `method` is the id of the sign-in
    method that was used.
    """

    connector: str
    connection: str = DEFAULT_CONNECTION
    state: ConnectionState = "needs_auth"
    account: Account | None = None
    method: str | None = None
    kind: MethodKind | None = None
    scopes: tuple[str, ...] = ()
    reason: str = ""
    since: datetime | None = None
    next_try: datetime | None = None
    expires_at: datetime | None = None
    checked_at: datetime | None = None

    @property
    def is_connected(self) -> bool:
        """Whether there are tokens that are expected to work, now or after a refresh."""
        return self.state in {"connected", "refreshing", "degraded"}


class ConnectorConnections(Protocol):
    """The connections of one plugin's connectors.

    Each method raises `NotFound` for a connector that is not the plugin's. A connection that does
    not exist is `needs_auth`.
    """

    def statuses(self, connector: str) -> Sequence[ConnectionStatus]:
        """Return the states of all connections of a connector, `default` first and always."""
        ...

    def status(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Return the state of a connection as it is known. Does not ask the service."""
        ...

    async def check(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Ask the service whether the tokens work, at most once in 60 s, and return the state."""
        ...

    def export(self, connector: str) -> None:
        """Have what the connector exports written again.

        For a connector that knows more of a connection than at its last change.
        """
        ...

    async def disconnect(
        self, connector: str, connection: str = DEFAULT_CONNECTION
    ) -> ConnectionStatus:
        """Revoke the tokens at the service (best effort, at most 10 s) and delete them here.

        Harmless when there are none. Raises `Unavailable` when the change can't be stored.
        """
        ...
