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
    """Who a connector is; `name` is unique and stands in its routes."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ConnectorStatus:
    """Whether a person is signed in, and as whom. `since` is ISO 8601 with offset."""

    state: Connection
    username: str | None = None
    email: str | None = None
    scopes: Sequence[str] = ()
    auth_method: AuthKind | None = None
    reason: str = ""
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Exports:
    """What one turn's agent gets of a connection: environment entries, when a project asks."""

    environment: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])


class Connector(ABC):
    """One outside service."""

    @abstractmethod
    def describe(self) -> ConnectorInfo:
        """Say who this is."""

    @abstractmethod
    async def status(self) -> ConnectorStatus:
        """Say whether a person is signed in."""

    @abstractmethod
    def auth(self) -> Sequence[AuthKind]:
        """List the ways to sign in, the best first."""

    @abstractmethod
    async def exports(self, turn: Turn) -> Exports:
        """Say what a turn's agent gets."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Forget the connection; harmless when there is none."""

    @abstractmethod
    async def health(self) -> Health:
        """Look whether the tools and the network it needs are there, within 5 s."""
