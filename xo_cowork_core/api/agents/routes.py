"""Agents, models, channels and the gateway (contract §6, §10)."""

from typing import Annotated, cast

from fastapi import Query, Request

from xo_cowork_core.api.agents import (
    ADD_CHANNEL_PATH,
    AGENTS_PATH,
    CHANNELS_PATH,
    MODELS_PATH,
    schemas,
)
from xo_cowork_core.api.agents.serializers import channel_row, model_row
from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import JsonObject, OkResponse, Unvalidated, response_example
from xo_cowork_core.api.wire_style import wire_style_of
from xo_cowork_core.sdk import BadRequest, UpstreamFailed

router = lazy_router()


@router.get(AGENTS_PATH, responses=response_example({"agents": [schemas.AGENT_EXAMPLE]}))
async def list_agents(
    request: Request, services: ServicesDep
) -> Unvalidated[schemas.AgentList | list[schemas.AgentRow]]:
    """List the agents of the runtime that stores agents."""
    rows = [cast("schemas.AgentRow", row) for row in await services.agents.list()]
    return rows if wire_style_of(request, services.wire_style) == "spa" else {"agents": rows}


@router.post(AGENTS_PATH, responses=response_example(schemas.AGENT_EXAMPLE))
async def create_agent(
    body: schemas.AgentRequest, services: ServicesDep
) -> Unvalidated[schemas.AgentRow]:
    """Create an agent, or merge into the one with the same id."""
    return cast("schemas.AgentRow", await services.agents.create(body.sent_fields()))


@router.get(AGENTS_PATH + "/{agent_id}", responses=response_example(schemas.AGENT_DETAIL_EXAMPLE))
async def read_agent(agent_id: str, services: ServicesDep) -> Unvalidated[schemas.AgentDetailRow]:
    """Return one agent by its id, or by a name that no other agent has."""
    return cast("schemas.AgentDetailRow", await services.agents.read(agent_id))


@router.patch(AGENTS_PATH + "/{agent_id}", responses=response_example(schemas.AGENT_EXAMPLE))
async def update_agent(
    agent_id: str, body: schemas.AgentRequest, services: ServicesDep
) -> Unvalidated[schemas.AgentRow]:
    """Change some fields of an agent."""
    return cast("schemas.AgentRow", await services.agents.update(agent_id, body.sent_fields()))


@router.delete(AGENTS_PATH + "/{agent_id}")
async def delete_agent(agent_id: str, services: ServicesDep) -> OkResponse:
    """Remove an agent."""
    await services.agents.delete(agent_id)
    return OkResponse(ok=True)


@router.get(MODELS_PATH, responses=response_example({"models": [schemas.MODEL_EXAMPLE]}))
async def list_models(
    request: Request, services: ServicesDep, agent_name: Annotated[str | None, Query()] = None
) -> Unvalidated[schemas.ModelList | list[schemas.ModelRow]]:
    """List the models of every ready runtime, the default runtime's first."""
    rows = [model_row(owner, model) for owner, model in await services.models.list(agent_name)]
    return rows if wire_style_of(request, services.wire_style) == "spa" else {"models": rows}


@router.get(CHANNELS_PATH)
async def list_channels(services: ServicesDep) -> schemas.ChannelList:
    """List the channels of the runtime that has channels."""
    state = await services.gateways.channels()
    rows = {name: channel_row(name, fields) for name, fields in state.channels.items()}
    return schemas.ChannelList(channels=rows, gateway_running=state.gateway_running)


@router.post(ADD_CHANNEL_PATH)
async def add_channel(body: schemas.ChannelRequest, services: ServicesDep) -> schemas.AddedChannel:
    """Store a channel's tokens."""
    fields = {"token": body.token, "bot_token": body.bot_token, "app_token": body.app_token}
    tokens = {key: value for key, value in fields.items() if value}
    if not tokens:
        raise BadRequest("`token`, or `bot_token` and `app_token`, is missing")
    restart = await services.gateways.add_channel(body.channel, tokens)
    return schemas.AddedChannel(ok=True, platform=body.channel, restart_required=restart)


@router.post("/gateway/restart")
async def restart_gateway(services: ServicesDep) -> schemas.GatewayRestart:
    """Restart the gateway; respond when it is reachable or has failed."""
    try:
        return schemas.GatewayRestart(
            status="restarted", output=await services.gateways.restart(), error=None
        )
    except UpstreamFailed as error:
        return schemas.GatewayRestart(status="failed", output="", error=error.message)


STATUS_RESPONSES = response_example({"runtime": "openclaw", "items": []})


@router.get("/models/status", responses=STATUS_RESPONSES)
async def models_status(services: ServicesDep) -> Unvalidated[JsonObject]:
    """Return the live state of the default runtime's models."""
    return await services.gateways.status("models")


@router.get("/channels/status", responses=STATUS_RESPONSES)
async def channels_status(services: ServicesDep) -> Unvalidated[JsonObject]:
    """Return the live state of the default runtime's channels."""
    return await services.gateways.status("channels")


@router.get("/providers/status", responses=STATUS_RESPONSES)
async def providers_status(services: ServicesDep) -> Unvalidated[JsonObject]:
    """Return the live state of the default runtime's providers."""
    return await services.gateways.status("providers")
