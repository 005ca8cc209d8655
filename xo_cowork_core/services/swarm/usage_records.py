"""The record of one day's usage, as the XO service takes it."""

from collections.abc import Mapping
from typing import NamedTuple

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.services.usage.prices import MILLION, Price
from xo_cowork_core.services.usage.sums import Usage, total_of

# one record covers all projects
PROJECT_ID = "default"
COST_DIGITS = 6


class Workspace(NamedTuple):
    """The workspace that the usage is of; the id is stable."""

    id: str
    name: str


def usage_record(
    usage: Usage, workspace: Workspace, prices: Mapping[str, Price | None]
) -> dict[str, JsonValue]:
    """Return the record of the one day of `usage`.

    `record_id` is the same whenever this day is reported. The cost in all is what agents recorded,
    else tokens times price; its parts are tokens times price, 0 where the price is unknown.
    """
    (day,) = usage.days
    total = total_of(usage.groups)
    tokens = total.tokens
    return {
        "record_id": f"{workspace.id}:{day}:{PROJECT_ID}",
        "report_date": day,
        "workspace_id": workspace.id,
        "workspace_name": workspace.name,
        "project_id": PROJECT_ID,
        "total_input_tokens": tokens.input,
        "total_output_tokens": tokens.output + tokens.reasoning,
        "total_cache_read_tokens": tokens.cache_read,
        "total_cache_write_tokens": tokens.cache_write,
        "total_tokens": total.total,
        "total_cost": round(total.cost, COST_DIGITS),
        **_cost_parts(usage, prices),
        "total_messages": sum(count for _, _, count in usage.messages),
        "total_sessions": usage.session_count,
        "total_tool_calls": sum(count for _, _, count in usage.tools),
        "model_usage": _models(usage),
        "tool_usage": _tools(usage),
        "note": "",
    }


def _cost_parts(usage: Usage, prices: Mapping[str, Price | None]) -> dict[str, JsonValue]:
    parts = dict.fromkeys(("input_cost", "output_cost", "cache_read_cost", "cache_write_cost"), 0.0)
    for group in usage.groups:
        price = prices.get(group.model_id)
        if price is not None:
            tokens: Tokens = group.sum.tokens
            parts["input_cost"] += price.input * tokens.input / MILLION
            parts["output_cost"] += price.output * (tokens.output + tokens.reasoning) / MILLION
            parts["cache_read_cost"] += price.cache_read * tokens.cache_read / MILLION
            parts["cache_write_cost"] += price.cache_write * tokens.cache_write / MILLION
    return {name: round(cost, COST_DIGITS) for name, cost in parts.items()}


def _models(usage: Usage) -> list[JsonValue]:
    return [
        {
            "provider": group.provider_id,
            "model": group.model_id,
            "calls": group.sum.calls,
            "tokens": group.sum.total,
            "cost": round(group.sum.cost, COST_DIGITS),
        }
        for group in usage.groups
    ]


def _tools(usage: Usage) -> list[JsonValue]:
    counts: dict[str, int] = {}
    for _, tool, count in usage.tools:
        counts[tool] = counts.get(tool, 0) + count
    return [{"name": name, "count": count} for name, count in sorted(counts.items())]
