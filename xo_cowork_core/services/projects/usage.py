"""The usage of nothing, in the contract's shape (§9)."""

from datetime import date, timedelta
from typing import Any

TOKENS = ("input", "output", "reasoning", "cache_read", "cache_write")


def empty_usage(days: int, today: date) -> dict[str, Any]:
    """Return the usage shape over so many days, every number 0."""
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    spread = ("avg", "median", "p95", "min", "max")
    return {
        "window_days": days,
        "total_cost_usd": 0.0,
        "total_cost": 0.0,
        "total_tokens": dict.fromkeys(TOKENS, 0),
        "total_sessions": 0,
        "total_messages": 0,
        "avg_tokens_per_session": 0.0,
        "avg_response_time": 0.0,
        "by_model": [],
        "by_session": [],
        "by_runtime": [],
        "daily": [_day(day) for day in dates],
        "tool_usage": [],
        "response_time_ms": {"p50": 0.0, "p95": 0.0, "p99": 0.0},
        "response_time": {**dict.fromkeys(spread, 0.0), "count": 0},
        "unpriced_models": [],
    }


def _day(day: date) -> dict[str, Any]:
    numbers = {"cost_usd": 0.0, "cost": 0.0, "tokens_total": 0, "tokens": 0}
    return {"date": day.isoformat(), **numbers, "messages": 0, "tool_calls": 0}
