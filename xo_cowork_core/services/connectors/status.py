"""The state of one connection, as a client sees it."""

from dataclasses import dataclass
from datetime import datetime

from xo_cowork_core.sdk.connector import Account, ConnectionState, MethodKind

DEFAULT_CONNECTION = "default"


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection of one connector.

    `reason` is a sentence for people, and `since` the time from which it holds; `next_try` is the
    time of the next attempt while the state is `degraded`. `checked_at` is the time at which the
    service last confirmed the tokens. `method` is the id of the sign-in method that was used.
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
