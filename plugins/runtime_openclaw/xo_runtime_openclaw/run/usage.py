"""Usage and stop reasons of the gateway's model calls."""

from collections.abc import Mapping
from types import MappingProxyType

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.events.base import StepReason
from xo_runtime_openclaw.gateway.frames import Row, row

REASONS: Mapping[str, StepReason] = MappingProxyType(
    {"toolUse": "tool_use", "length": "length", "error": "error", "aborted": "error"}
)


def tokens_of(usage: Row) -> Tokens:
    """Return the usage of one model call."""
    return Tokens(
        input=_count(usage, "input"),
        output=_count(usage, "output"),
        reasoning=_count(usage, "reasoning"),
        cache_read=_count(usage, "cacheRead"),
        cache_write=_count(usage, "cacheWrite"),
    )


def cost_of(usage: Row) -> float | None:
    """Return a call's cost in US dollars; None for 0, which means that the price is unknown."""
    total = row(usage.get("cost")).get("total")
    return float(total) if isinstance(total, int | float) and total > 0 else None


def _count(usage: Row, key: str) -> int:
    value = usage.get(key)
    return int(value) if isinstance(value, int | float) and value > 0 else 0
