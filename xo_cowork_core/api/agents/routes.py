"""Agents, models, channels and the gateway (contract §6, §10)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AliasChoices, ConfigDict, Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.models import OkResponse, RequestModel, ResponseModel
from xo_cowork_core.api.route_family import RouteFamily
from xo_cowork_core.api.sessions.serializers import style_of
from xo_cowork_core.sdk import BadRequest, Model, UpstreamFailed

CHANNELS_PATH = "/api/channels"
ADD_CHANNEL_PATH = "/api/channels/add"
router = APIRouter()
FAMILY = RouteFamily(
    name="agents",
    description="Agents, models, channels and the gateway of the runtimes.",
    router=router,
    prefixes=(
        "/api/agents",
        "/api/models",
        ADD_CHANNEL_PATH,
        "/models",
        "/channels",
        "/providers",
        "/gateway",
    ),
    # a plugin may serve the routes of one channel below it
    exact_paths=(CHANNELS_PATH,),
)
Row = dict[str, Any]
AGENT_EXAMPLE: Row = {
    "id": "research",
    "name": "Research",
    "display_name": "Research",
    "model": "openai/gpt-5",
    "mode": "primary",
    "metadata": {"backend": "openclaw"},
    "sessions": {"count": 0},
}
MODEL_EXAMPLE: Row = {
    "id": "claude-opus-5-5",
    "name": "Opus",
    "provider": "anthropic",
    "provider_id": "anthropic",
    "context": 200000,
}


class AgentBody(RequestModel):
    """An agent's fields. Others than these are kept, too."""

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
    metadata: Row | None = None
    identity: Row | None = None

    def given(self) -> Row:
        """Return what was sent and is not null."""
        return self.model_dump(exclude_unset=True)


class ChannelsBody(ResponseModel):
    """Every channel with its state."""

    channels: Row = Field(examples=[{"telegram": {"configured": True}}])
    gateway_running: bool = Field(examples=[True])


class ChannelBody(RequestModel):
    """A channel's tokens: `token`, or `bot_token` and `app_token`."""

    channel: str = Field(
        validation_alias=AliasChoices("channel", "platform"), examples=["telegram"]
    )
    token: str | None = None
    bot_token: str | None = None
    app_token: str | None = None


class AddedBody(ResponseModel):
    """A channel that was stored."""

    ok: bool = True
    platform: str = Field(examples=["telegram"])
    restart_required: bool = Field(examples=[False])


class RestartedBody(ResponseModel):
    """How a restart went."""

    status: Literal["restarted", "failed"] = Field(examples=["restarted"])
    output: str = Field(examples=["gateway restarted"])
    error: str | None = None


def _example(value: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": value}}}}


@router.get("/api/agents", responses=_example({"agents": [AGENT_EXAMPLE]}))
async def list_agents(request: Request, services: ServicesDep) -> Row | list[Row]:
    """List the agents of the runtime that keeps some."""
    rows = list(await services.agents.list())
    return rows if style_of(request, services.wire_style) == "spa" else {"agents": rows}


@router.post("/api/agents", responses=_example(AGENT_EXAMPLE))
async def create_agent(body: AgentBody, services: ServicesDep) -> Row:
    """Create an agent, or merge into the one with the same id."""
    return await services.agents.create(body.given())


@router.get("/api/agents/{agent_id}", responses=_example(AGENT_EXAMPLE))
async def read_agent(agent_id: str, services: ServicesDep) -> Row:
    """Return one agent."""
    return await services.agents.read(agent_id)


@router.patch("/api/agents/{agent_id}", responses=_example(AGENT_EXAMPLE))
async def update_agent(agent_id: str, body: AgentBody, services: ServicesDep) -> Row:
    """Change some fields of an agent."""
    if body.id is not None and body.id != agent_id:
        raise BadRequest("`id` cannot be changed")
    return await services.agents.update(agent_id, body.given())


@router.delete("/api/agents/{agent_id}")
async def delete_agent(agent_id: str, services: ServicesDep) -> OkResponse:
    """Remove an agent."""
    await services.agents.delete(agent_id)
    return OkResponse()


@router.get("/api/models", responses=_example({"models": [MODEL_EXAMPLE]}))
async def list_models(
    request: Request, services: ServicesDep, agent_name: Annotated[str | None, Query()] = None
) -> Row | list[Row]:
    """List the models of every ready runtime, the default runtime's first."""
    rows = [model_row(owner, model) for owner, model in await services.models.list(agent_name)]
    return rows if style_of(request, services.wire_style) == "spa" else {"models": rows}


def model_row(agent_name: str, model: Model) -> Row:
    """A model in both field sets."""
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.provider_id,
        "provider_id": model.provider_id,
        "context": model.context,
        "supports_streaming": True,
        "supports_tools": True,
        "capabilities": {
            "function_calling": True,
            "vision": model.vision,
            "reasoning": model.reasoning,
            "json_output": False,
            "max_context": model.context,
            "max_output": model.max_output,
        },
        "pricing": {"prompt": model.price_input, "completion": model.price_output},
        "metadata": {"agent_name": agent_name},
    }


@router.get(CHANNELS_PATH)
async def list_channels(services: ServicesDep) -> ChannelsBody:
    """List the channels of the runtime that has some."""
    found = await services.gateways.channels()
    return ChannelsBody(channels=dict(found.channels), gateway_running=found.gateway_running)


@router.post(ADD_CHANNEL_PATH)
async def add_channel(body: ChannelBody, services: ServicesDep) -> AddedBody:
    """Store a channel's tokens."""
    given = {"token": body.token, "bot_token": body.bot_token, "app_token": body.app_token}
    tokens = {key: value for key, value in given.items() if value}
    if not tokens:
        raise BadRequest("`token`, or `bot_token` and `app_token`, is missing")
    restart = await services.gateways.add_channel(body.channel, tokens)
    return AddedBody(platform=body.channel, restart_required=restart)


@router.post("/gateway/restart")
async def restart_gateway(services: ServicesDep) -> RestartedBody:
    """Restart the gateway and wait until it answers or fails."""
    try:
        return RestartedBody(status="restarted", output=await services.gateways.restart())
    except UpstreamFailed as error:
        return RestartedBody(status="failed", output="", error=error.message)


STATUS_RESPONSES: dict[int | str, Row] = {
    200: {"content": {"application/json": {"example": {"runtime": "openclaw", "items": []}}}}
}


@router.get("/models/status", responses=STATUS_RESPONSES)
async def models_status(services: ServicesDep) -> Row:
    """Live state of the default runtime's models."""
    return dict(await services.gateways.status("models"))


@router.get("/channels/status", responses=STATUS_RESPONSES)
async def channels_status(services: ServicesDep) -> Row:
    """Live state of the default runtime's channels."""
    return dict(await services.gateways.status("channels"))


@router.get("/providers/status", responses=STATUS_RESPONSES)
async def providers_status(services: ServicesDep) -> Row:
    """Live state of the default runtime's providers."""
    return dict(await services.gateways.status("providers"))
