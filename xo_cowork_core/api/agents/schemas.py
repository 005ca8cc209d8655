"""The bodies of agents, models, channels and the gateway."""

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import AliasChoices, ConfigDict, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import JsonObject, RequestModel


class PermissionRules(TypedDict):
    """The rules of an agent's permissions; the prompt decides them at present."""

    rules: list[JsonObject]


class AgentIdentity(TypedDict):
    """How an agent presents itself."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]

    name: str | None
    emoji: str | None
    bio: str | None


class AgentSessions(TypedDict):
    """The number of an agent's sessions, and the ids of the newest."""

    count: int
    session_ids: list[str]


class AgentRow(TypedDict):
    """One agent. It has its other stored fields, too. `workspace` is an absolute folder."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]

    id: str
    name: str
    display_name: str
    description: str
    model: str | None
    systemPrompt: str
    system_prompt: str
    tools: list[str]
    env_file: str | None
    created_at: str | None
    mode: Literal["primary"]
    permissions: PermissionRules
    backend: str
    workspace: str
    metadata: JsonObject
    identity: AgentIdentity
    sessions: AgentSessions


class AgentFolders(TypedDict):
    """The folder of an agent's own state; null when there is none."""

    agent_dir: str | None


class AgentDetailRow(AgentRow):
    """One agent with the texts that instruct it, null for a missing one, its entry in its
    runtime's configuration, and the settings that all agents share. Secrets are masked."""

    workspace_files: dict[str, str | None]
    config_entry: JsonObject
    agents_defaults: JsonObject
    on_disk: AgentFolders


AGENT_EXAMPLE: AgentRow = {
    "id": "research",
    "name": "Research",
    "display_name": "Research",
    "description": "",
    "model": "openai/gpt-5",
    "systemPrompt": "",
    "system_prompt": "",
    "tools": [],
    "env_file": None,
    "created_at": "2026-11-24T08:00:00.000+00:00",
    "mode": "primary",
    "permissions": {"rules": []},
    "backend": "openclaw",
    "workspace": "/home/ann/.openclaw/workspace-research",
    "metadata": {"backend": "openclaw"},
    "identity": {"name": "Ada", "emoji": "🦉", "bio": None},
    "sessions": {"count": 1, "session_ids": ["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"]},
}
AGENT_DETAIL_EXAMPLE: AgentDetailRow = {
    **AGENT_EXAMPLE,
    "workspace_files": {"AGENTS.md": "Be brief.", "SOUL.md": None},
    "config_entry": {"name": "Research"},
    "agents_defaults": {"skipBootstrap": True},
    "on_disk": {"agent_dir": "/home/ann/.openclaw/agents/research/agent"},
}


class AgentRequest(RequestModel):
    """The fields of an agent. Unknown fields are stored as well."""

    model_config = ConfigDict(extra="allow")

    id: str | None = Field(default=None, examples=["research"])
    name: str | None = Field(default=None, examples=["Research"])
    display_name: str | None = None
    description: str | None = None
    model: str | None = Field(default=None, examples=["openai/gpt-5"])
    systemPrompt: str | None = None  # the wire's name
    system_prompt: str | None = None
    tools: list[str] | None = None
    env_file: str | None = None
    metadata: dict[str, object] | None = None
    identity: dict[str, object] | None = None
    identity_name: str | None = None
    identity_emoji: str | None = None

    def sent_fields(self) -> dict[str, object]:
        """Return the fields that were sent and are not null."""
        return self.model_dump(exclude_unset=True)


class ChannelRow(TypedDict):
    """One channel. Its runtime may add fields."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]

    id: Annotated[str, Field(examples=["telegram"])]
    name: Annotated[str, Field(examples=["Telegram"])]
    type: Annotated[str, Field(examples=["telegram"])]
    status: Annotated[
        Literal["running", "stopped", "disabled", "not_configured", "error"],
        Field(examples=["running"]),
    ]
    configured: bool
    enabled: bool
    running: bool
    account: NotRequired[str]
    error: NotRequired[str]


class ChannelList(TypedDict):
    """Every channel with its state, by id."""

    channels: dict[str, ChannelRow]
    gateway_running: Annotated[bool, Field(examples=[True])]


ChannelToken: TypeAlias = Annotated[str, Field(max_length=4096)]


class ChannelRequest(RequestModel):
    """A channel's tokens: `token`, or `bot_token` and `app_token`."""

    channel: str = Field(
        validation_alias=AliasChoices("channel", "platform"), examples=["telegram"]
    )
    token: ChannelToken | None = None
    bot_token: ChannelToken | None = None
    app_token: ChannelToken | None = None


class AddedChannel(TypedDict):
    """A channel that was stored."""

    ok: bool
    platform: Annotated[str, Field(examples=["telegram"])]
    restart_required: Annotated[bool, Field(examples=[False])]


class GatewayRestart(TypedDict):
    """How a restart went."""

    status: Annotated[Literal["restarted", "failed"], Field(examples=["restarted"])]
    output: Annotated[str, Field(examples=["gateway restarted"])]
    error: str | None


class AgentList(TypedDict):
    """The agents of the runtime that keeps some, each with all its stored fields."""

    agents: list[AgentRow]


class ModelCapabilities(TypedDict):
    """The abilities and the sizes of a model, in tokens; an unknown size is left out."""

    function_calling: bool
    vision: bool
    reasoning: bool
    json_output: bool
    max_context: NotRequired[int]
    max_output: NotRequired[int]


class ModelPricing(TypedDict):
    """US dollars for a million tokens; an unknown price is left out, as clients show 0 as free."""

    prompt: NotRequired[float]
    completion: NotRequired[float]


class ModelMetadata(TypedDict):
    """The runtime that offers the model."""

    agent_name: str


class ModelRow(TypedDict):
    """A model, in both field sets. `context` is missing when it is unknown."""

    id: str
    name: str
    provider: str
    provider_id: str
    context: NotRequired[int]
    supports_streaming: bool
    supports_tools: bool
    capabilities: ModelCapabilities
    pricing: ModelPricing
    metadata: ModelMetadata


class ModelList(TypedDict):
    """The models of every ready runtime, the default runtime's first."""

    models: list[ModelRow]


MODEL_EXAMPLE: ModelRow = {
    "id": "claude-opus-5-5",
    "name": "Opus",
    "provider": "anthropic",
    "provider_id": "anthropic",
    "context": 200000,
    "supports_streaming": True,
    "supports_tools": True,
    "capabilities": {
        "function_calling": True,
        "vision": True,
        "reasoning": True,
        "json_output": False,
        "max_context": 200000,
        "max_output": 32000,
    },
    "pricing": {"prompt": 5.0, "completion": 25.0},
    "metadata": {"agent_name": "claude_code"},
}
