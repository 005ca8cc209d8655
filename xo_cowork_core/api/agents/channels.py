"""Channels, gateway and live status (contract §6, §10)."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import AliasChoices, Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.models import RequestModel, ResponseModel
from xo_cowork_core.sdk import BadRequest, UpstreamFailed

router = APIRouter(tags=["channels"])
Row = dict[str, Any]


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


@router.get("/api/channels")
async def list_channels(services: ServicesDep) -> ChannelsBody:
    """List the channels of the runtime that has some."""
    found = await services.gateways.channels()
    return ChannelsBody(channels=dict(found.channels), gateway_running=found.gateway_running)


@router.post("/api/channels/add")
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
