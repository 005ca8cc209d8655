"""The models that the gateway offers, for the model list."""

from xo_cowork_core.sdk import Model
from xo_runtime_openclaw.gateway.frames import Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway

SECONDS = 4.0


async def list_models(gateway: Gateway) -> list[Model]:
    """Return the models, the default first. Raises `GatewayUnavailable`, `GatewayError`."""
    listed = row(await gateway.call("models.list", {}, seconds=SECONDS))
    entries = [entry for entry in rows(listed.get("models")) if entry.get("available") is not False]
    return [_model(entry) for entry in sorted(entries, key=_is_other)]


def _model(entry: Row) -> Model:
    model_id, provider = text_of(entry.get("id")), text_of(entry.get("provider"))
    cost, inputs = row(entry.get("cost")), entry.get("input")
    return Model(
        id=f"{provider}/{model_id}" if provider else model_id,
        name=text_of(entry.get("name")) or model_id,
        provider_id=provider,
        context=_count(entry.get("contextWindow")),
        max_output=_count(entry.get("maxTokens")),
        vision=isinstance(inputs, list) and "image" in inputs,
        reasoning=entry.get("reasoning") is True,
        price_input=_price(cost.get("input")),
        price_output=_price(cost.get("output")),
    )


def _is_other(entry: Row) -> bool:
    tags = entry.get("tags")
    return not (isinstance(tags, list) and "default" in tags)


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else 0


def _price(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
