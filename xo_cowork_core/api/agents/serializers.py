"""Builds the bodies of models and channels from what runtimes report."""

from typing import Literal, TypeAlias, cast

from xo_cowork_core.api.agents import schemas
from xo_cowork_core.sdk import Model
from xo_cowork_core.sdk.events.base import Json

ChannelStatus: TypeAlias = Literal["running", "stopped", "disabled", "not_configured", "error"]


def model_row(agent_name: str, model: Model) -> schemas.ModelRow:
    """Return a model in both field sets."""
    row: schemas.ModelRow = {
        "id": model.id,
        "name": model.name,
        "provider": model.provider_id,
        "provider_id": model.provider_id,
        "supports_streaming": True,
        "supports_tools": True,
        "capabilities": model_capabilities(model),
        "pricing": model_pricing(model),
        "metadata": {"agent_name": agent_name},
    }
    if model.context:
        row["context"] = model.context
    return row


def model_capabilities(model: Model) -> schemas.ModelCapabilities:
    """Return the abilities, and the known sizes."""
    capabilities: schemas.ModelCapabilities = {
        "function_calling": True,
        "vision": model.vision,
        "reasoning": model.reasoning,
        "json_output": False,
    }
    if model.context:
        capabilities["max_context"] = model.context
    if model.max_output:
        capabilities["max_output"] = model.max_output
    return capabilities


def model_pricing(model: Model) -> schemas.ModelPricing:
    """Return the known prices."""
    pricing: schemas.ModelPricing = {}
    if model.price_input:
        pricing["prompt"] = model.price_input
    if model.price_output:
        pricing["completion"] = model.price_output
    return pricing


def channel_row(channel: str, fields: Json) -> schemas.ChannelRow:
    """Return a channel with what its runtime reports of it."""
    flags = {name: bool(fields.get(name)) for name in ("configured", "enabled", "running")}
    texts = {
        name: value
        for name in ("account", "error")
        if isinstance(value := fields.get(name), str) and value
    }
    others = {name: value for name, value in fields.items() if name not in {"account", "error"}}
    row: dict[str, object] = {
        **others,
        "id": channel,
        "name": fields.get("name") or channel.replace("_", " ").title(),
        "type": channel,
        "status": channel_status(failed="error" in texts, **flags),
        **flags,
        **texts,
    }
    return cast("schemas.ChannelRow", row)


def channel_status(
    *, configured: bool, enabled: bool, running: bool, failed: bool
) -> ChannelStatus:
    """Return the state of a channel in one word."""
    if failed:
        return "error"
    if running:
        return "running"
    if not configured:
        return "not_configured"
    return "stopped" if enabled else "disabled"
