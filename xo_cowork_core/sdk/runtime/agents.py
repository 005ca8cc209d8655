"""Abilities of a runtime that serves several agents behind a gateway of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xo_cowork_core.sdk.events.base import Json, JsonValue


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent in a runtime's registry. `fields` are those that the runtime keeps itself."""

    id: str
    fields: Json = field(default_factory=dict[str, JsonValue])
    session_count: int = 0
    is_default: bool = False


class KeepsAgents(ABC):
    """Has a registry of agents.

    The host checks ids, serialises the calls, and keeps the fields that the registry can't.
    """

    @property
    @abstractmethod
    def agent_fields(self) -> frozenset[str]:
        """Names of the fields that the registry takes; `id` is always its own."""

    @abstractmethod
    async def agents(self) -> Sequence[Agent]:
        """List all, the default first. Raises `Unavailable` when the registry can't be read."""

    @abstractmethod
    async def save_agent(self, agent_id: str, fields: Json) -> Agent:
        """Create an agent, or lay `fields` over those of an existing one; objects are merged.

        Raises `Conflict` or `BadRequest` where the registry refuses; then nothing has changed.
        """

    @abstractmethod
    async def delete_agent(self, agent_id: str) -> None:
        """Remove one. Raises `NotFound`, or `Conflict` for one that must stay."""


class HasChannels(ABC):
    """Talks to people over chat platforms."""

    @abstractmethod
    async def channels(self) -> Mapping[str, Json]:
        """Return each configured channel with its state, no token among it."""

    @abstractmethod
    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        """Store a channel's tokens (`token`, or `bot_token` and `app_token`); True when the
        gateway must restart for it. Raises `BadRequest` for a channel it doesn't know."""


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """A runtime's gateway. `port` and `ws_url` are where it is looked for."""

    installed: bool
    running: bool
    port: int
    ws_url: str


class HasGateway(ABC):
    """Has a gateway process."""

    @abstractmethod
    async def gateway(self) -> GatewayStatus:
        """Look, within 2 s."""

    @abstractmethod
    async def restart_gateway(self) -> str:
        """Restart it and return what it printed. Raises `UpstreamFailed` when it stays down."""


class ReportsStatus(ABC):
    """Knows the live state of its models, channels and providers."""

    @abstractmethod
    async def status_of(self, what: str) -> Json:
        """Return the state of `models`, `channels` or `providers`, within 5 s. Raises
        `Unavailable` when it can't tell."""
