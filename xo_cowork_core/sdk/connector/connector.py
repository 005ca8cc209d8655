"""Connector: a service outside the workspace that a person signs in to."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.health import Health
from xo_cowork_core.sdk.runtime.turn import Turn

AuthKind: TypeAlias = Literal["oauth_code", "device_code", "api_key", "cli"]
Connection: TypeAlias = Literal[
    "needs_auth", "connected", "refreshing", "degraded", "needs_reauth", "disconnected"
]


@dataclass(frozen=True, slots=True)
class ConnectorInfo:
    """A connector's unique `name`, which is part of its routes, and its title for people."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """The state of a connection and the signed-in account. `since` is ISO 8601 with offset."""

    state: Connection
    username: str | None = None
    email: str | None = None
    scopes: Sequence[str] = ()
    auth_method: AuthKind | None = None
    reason: str = ""
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Exports:
    """The environment entries that one turn's agent gets, when its project asks for them."""

    environment: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])


class Connector(ABC):
    """One outside service."""

    @abstractmethod
    def describe(self) -> ConnectorInfo:
        """Return the connector's name and title."""

    @abstractmethod
    async def status(self) -> ConnectorStatus:
        """Return the connection's state."""

    @abstractmethod
    def auth(self) -> Sequence[AuthKind]:
        """Return the ways to sign in, the best first."""

    @abstractmethod
    async def exports(self, turn: Turn) -> Exports:
        """Return what a turn's agent gets."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Delete the connection. Harmless when there is none."""

    @abstractmethod
    async def health(self) -> Health:
        """Check the tools and the network that it needs, within 5 s."""
