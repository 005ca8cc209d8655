"""Tokens and cost of turns and model calls, from figures that are partly cumulative."""

from collections.abc import Mapping
from typing import Any

from xo_cowork_core.sdk import Tokens

COST_DIGITS = 9


def count_of(value: object) -> int:
    """Return a count; 0 for anything that is no number."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, float) else 0


def call_tokens(usage: object) -> Tokens:
    """Read the usage of one model call. `output` and `reasoning` don't overlap."""
    if not isinstance(usage, dict):
        return Tokens()
    details = usage.get("output_tokens_details")
    thinking = count_of(details.get("thinking_tokens")) if isinstance(details, dict) else 0
    return Tokens(
        input=count_of(usage.get("input_tokens")),
        output=max(0, count_of(usage.get("output_tokens")) - thinking),
        reasoning=thinking,
        cache_read=count_of(usage.get("cache_read_input_tokens")),
        cache_write=count_of(usage.get("cache_creation_input_tokens")),
    )


def model_tokens(usage: object) -> Tokens:
    """Sum a `modelUsage` table over its models."""
    total = Tokens()
    for row in usage.values() if isinstance(usage, Mapping) else ():
        if not isinstance(row, Mapping):
            continue
        thinking = count_of(row.get("thinkingTokens"))
        total += Tokens(
            input=count_of(row.get("inputTokens")),
            output=max(0, count_of(row.get("outputTokens")) - thinking),
            reasoning=thinking,
            cache_read=count_of(row.get("cacheReadInputTokens")),
            cache_write=count_of(row.get("cacheCreationInputTokens")),
        )
    return total


def table_cost(usage: Mapping[str, Any]) -> float:
    """Sum the cost of a `modelUsage` table in US dollars."""
    costs = [row.get("costUSD") for row in usage.values() if isinstance(row, Mapping)]
    return round(sum(cost for cost in costs if isinstance(cost, int | float)), COST_DIGITS)


class UsageMeter:
    """Splits a process's running totals by turn. One for each process."""

    def __init__(self) -> None:
        self._cost = 0.0

    def measure_turn(self, result: Mapping[str, Any]) -> tuple[Tokens, float | None]:
        """Return a turn's tokens and cost from its `result` record.

        `usage` is the turn's but zero after an interrupt; `total_cost_usd` is the process's.
        Newer CLIs give the difference themselves in `model_usage_since_last_result`.
        """
        since = result.get("model_usage_since_last_result")
        total = result.get("total_cost_usd")
        cost = None
        if isinstance(total, int | float):
            cost = round(max(0.0, total - self._cost), COST_DIGITS)
            self._cost = float(total)
        if isinstance(since, Mapping):
            return model_tokens(since), table_cost(since)
        return call_tokens(result.get("usage")), cost
