"""Abilities of a runtime with a gateway: its agents, channels, process and status."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field

from xo_cowork_core.sdk.events.base import Json, JsonValue
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

__all__ = [
    "Agent",
    "AgentDetail",
    "GatewayStatus",
    "HasChannels",
    "HasGateway",
    "KeepsAgents",
    "ListsAgents",
    "ReportsStatus",
]


@frozen_dataclass
class Agent:
    """One agent in a runtime's registry.

    `fields` are the fields that the runtime stores. `workspace` is the absolute folder in which the
    agent works; empty: the projects root. `session_ids` are its newest sessions.
    """

    id: str
    fields: Json = field(default_factory=dict[str, JsonValue])
    session_count: int = 0
    is_default: bool = False
    workspace: str = ""
    session_ids: Sequence[str] = ()


@frozen_dataclass
class AgentDetail:
    """What a page about one agent shows. The host masks secrets in it.

    `files` are the texts that instruct the agent, by name; None for one that does not exist.
    `config_entry` is the agent's stored entry, `defaults` are the settings that all agents share,
    `agent_dir` is the absolute folder of its own state, None when there is none.
    """

    files: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    config_entry: Json = field(default_factory=dict[str, JsonValue])
    defaults: Json = field(default_factory=dict[str, JsonValue])
    agent_dir: str | None = None


class KeepsAgents(ABC):
    """Has a registry of agents.

    The host checks ids, makes one call at a time, and stores the fields that the registry can't.
    """

    @property
    @abstractmethod
    def agent_fields(self) -> frozenset[str]:
        """The names of the fields that the registry stores; `id` needs no mention."""

    @abstractmethod
    async def agents(self) -> Sequence[Agent]:
        """Return all agents, the default first.

        Raises `Unavailable` when the registry can't be read.
        """

    async def agent_detail(self, agent_id: str) -> AgentDetail:
        """Return the detail of an agent that `agents` lists. Empty by default."""
        return AgentDetail()

    @abstractmethod
    async def save_agent(self, agent_id: str, fields: Json) -> Agent:
        """Create an agent, or merge `fields` into those of an existing one, and return it.

        Objects among the fields are merged, too. Raises `Conflict` or `BadRequest` when the
        registry refuses the change; then nothing has changed.
        """

    @abstractmethod
    async def delete_agent(self, agent_id: str) -> None:
        """Delete an agent. Raises `NotFound`, or `Conflict` for one that can't be deleted."""


class ListsAgents(ABC):
    """Has agents that exist by themselves, such as one for the account that is signed in.

    They are listed after those of the registry, and can be neither changed nor deleted.
    """

    @abstractmethod
    async def listed_agents(self) -> Sequence[Agent]:
        """Return these agents, within 5 s; one with the id of a registered agent is left out."""


class HasChannels(ABC):
    """Connects its agents to chat platforms."""

    @abstractmethod
    async def channels(self) -> Mapping[str, Json]:
        """Return the state of each configured channel by name, without its tokens."""

    @abstractmethod
    async def add_channel(self, channel: str, tokens: Mapping[str, str]) -> bool:
        """Store a channel's tokens: `token`, or `bot_token` and `app_token`.

        Returns True when the gateway must restart to use them. Raises `BadRequest` for an unknown
        channel.
        """


@frozen_dataclass
class GatewayStatus:
    """The state of a runtime's gateway. `port` and `ws_url` are the configured address."""

    installed: bool
    running: bool
    port: int
    ws_url: str


class HasGateway(ABC):
    """Depends on a gateway process, which the host may restart."""

    @abstractmethod
    async def gateway(self) -> GatewayStatus:
        """Return the state of the gateway within 2 s."""

    @abstractmethod
    async def restart_gateway(self) -> str:
        """Restart the gateway and return the command's output, within 120 s.

        Raises `UpstreamFailed` when the gateway does not come up.
        """


class ReportsStatus(ABC):
    """Reports the current state of its models, channels and providers."""

    @abstractmethod
    async def status_of(self, subject: str) -> Json:
        """Return the state of `subject` (`models`, `channels` or `providers`) within 5 s.

        Raises `Unavailable` when the state is not known.
        """
