"""Builds the bodies about usage from the reports of services."""

from collections.abc import Mapping, Sequence

from xo_cowork_core.api.token_counts import token_counts
from xo_cowork_core.api.usage.schemas import (
    DayUsage,
    ModelCall,
    ModelUsage,
    RuntimeUsage,
    SessionCalls,
    SessionUsage,
    ToolUsage,
    UsageReport,
)
from xo_cowork_core.services.index.queries import Label
from xo_cowork_core.services.usage.sums import Call, Group, Sum, Usage, summed, total_of


def usage_report(usage: Usage, labels: Mapping[str, Label]) -> UsageReport:
    """Return the whole report, with the older names beside the newer."""
    total = total_of(usage.groups)
    sessions = usage.session_count
    average = sum(usage.seconds) / len(usage.seconds) if usage.seconds else 0.0
    return {
        "window_days": len(usage.days),
        "total_cost_usd": money(total.cost),
        "total_cost": money(total.cost),
        "total_tokens": token_counts(total.tokens),
        "total_sessions": sessions,
        "total_messages": sum(count for _, _, count in usage.messages),
        "avg_tokens_per_session": round(total.total / sessions) if sessions else 0,
        "avg_response_time": round(average, 3),
        "by_model": _models(usage.groups),
        "by_session": session_rows(usage, labels),
        "by_runtime": _runtimes(usage.groups),
        "daily": _daily(usage),
        "tool_usage": _tools(usage),
        "response_time_ms": {
            "p50": _milliseconds(usage.seconds, 50),
            "p95": _milliseconds(usage.seconds, 95),
            "p99": _milliseconds(usage.seconds, 99),
        },
        "response_time": {
            "avg": round(average, 3),
            "median": round(percentile(usage.seconds, 50), 3),
            "p95": round(percentile(usage.seconds, 95), 3),
            "min": round(usage.seconds[0], 3) if usage.seconds else 0.0,
            "max": round(usage.seconds[-1], 3) if usage.seconds else 0.0,
            "count": len(usage.seconds),
        },
        "unpriced_models": list(usage.unpriced),
    }


def money(cost: float) -> float:
    """Round to a ten-thousandth of a cent."""
    return round(cost, 6)


def percentile(ordered: Sequence[float], part: int) -> float:
    """Return the nearest-rank percentile of sorted values; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


def _milliseconds(seconds: Sequence[float], part: int) -> int:
    return round(percentile(seconds, part) * 1000)


def call_row(call: Call) -> ModelCall:
    """Return one model call."""
    return {
        "session_id": call.session_id,
        "model": call.model_id,
        "tokens_in": call.tokens.input,
        "tokens_out": call.tokens.output + call.tokens.reasoning,
        "cost_usd": money(call.cost),
        "tools": list(call.tools),
        "timestamp": call.time,
    }


def _models(groups: Sequence[Group]) -> list[ModelUsage]:
    providers = {group.model_id: group.provider_id for group in groups}
    return [
        {
            "model": model_id,
            "model_id": model_id,
            "provider_id": providers[model_id],
            "tokens_in": total.tokens.input,
            "tokens_out": total.tokens.output,
            "cache_read": total.tokens.cache_read,
            "cache_write": total.tokens.cache_write,
            "total_tokens": token_counts(total.tokens),
            "cost_usd": money(total.cost),
            "total_cost": money(total.cost),
            "message_count": total.calls,
        }
        for model_id, total in _costliest(summed(groups, lambda group: group.model_id))
    ]


def session_rows(usage: Usage, labels: Mapping[str, Label]) -> list[SessionUsage]:
    """Return rows of the costliest sessions."""
    counts: dict[str, int] = {}
    for _, session_id, count in usage.messages:
        counts[session_id] = counts.get(session_id, 0) + count
    rows: list[SessionUsage] = []
    for each in usage.sessions:
        label, messages = labels.get(each.session_id), counts.get(each.session_id, 0)
        rows.append(
            {
                "session_id": each.session_id,
                "title": label.title if label else "",
                "agent_name": each.agent_name,
                "tokens_total": each.sum.total,
                "total_tokens": each.sum.total,
                "cost_usd": money(each.sum.cost),
                "total_cost": money(each.sum.cost),
                "messages": messages,
                "message_count": messages,
                "time_created": label.time_created if label else None,
                "updated_at": label.time_updated if label else None,
            }
        )
    return rows


def session_calls(row: SessionUsage, calls: Sequence[Call]) -> SessionCalls:
    """Return a session's row with its model calls in place of the number of messages."""
    return {
        "session_id": row["session_id"],
        "title": row["title"],
        "agent_name": row["agent_name"],
        "tokens_total": row["tokens_total"],
        "total_tokens": row["total_tokens"],
        "cost_usd": row["cost_usd"],
        "total_cost": row["total_cost"],
        "message_count": row["message_count"],
        "time_created": row["time_created"],
        "updated_at": row["updated_at"],
        "messages": [call_row(call) for call in calls],
    }


def _runtimes(groups: Sequence[Group]) -> list[RuntimeUsage]:
    return [
        {
            "agent_name": agent_name,
            "total_tokens": token_counts(total.tokens),
            "tokens_total": total.total,
            "cost_usd": money(total.cost),
            "message_count": total.calls,
        }
        for agent_name, total in _costliest(summed(groups, lambda group: group.agent_name))
    ]


def _daily(usage: Usage) -> list[DayUsage]:
    sums = summed(usage.groups, lambda group: group.day)
    messages: dict[str, int] = {}
    for day, _, count in usage.messages:
        messages[day] = messages.get(day, 0) + count
    calls: dict[str, int] = {}
    for day, _, count in usage.tools:
        calls[day] = calls.get(day, 0) + count
    return [
        {
            "date": day,
            "cost_usd": money(sums.get(day, Sum()).cost),
            "cost": money(sums.get(day, Sum()).cost),
            "tokens_total": sums.get(day, Sum()).total,
            "tokens": sums.get(day, Sum()).total,
            "messages": messages.get(day, 0),
            "tool_calls": calls.get(day, 0),
        }
        for day in usage.days
    ]


def _tools(usage: Usage) -> list[ToolUsage]:
    counts: dict[str, int] = {}
    for _, tool, count in usage.tools:
        counts[tool] = counts.get(tool, 0) + count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"tool": tool, "count": count} for tool, count in ordered]


def _costliest(sums: Mapping[str, Sum]) -> list[tuple[str, Sum]]:
    """Order sums by cost, then by tokens."""
    return sorted(sums.items(), key=lambda item: (-item[1].cost, -item[1].total, item[0]))
