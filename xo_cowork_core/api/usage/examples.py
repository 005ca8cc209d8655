"""Examples of the OpenAPI document."""

from xo_cowork_core.api.sessions.schemas import EXAMPLE_ID
from xo_cowork_core.api.token_counts import TokenCounts
from xo_cowork_core.api.usage.schemas import (
    DayUsage,
    ModelCall,
    ModelUsage,
    RuntimeUsage,
    SessionCalls,
    SessionUsage,
    UsageCard,
    UsageReport,
    UsageTotals,
)

TOKENS: TokenCounts = {"input": 48, "output": 30, "reasoning": 0, "cache_read": 0, "cache_write": 0}
SESSION: SessionUsage = {
    "session_id": EXAMPLE_ID,
    "title": "Say hello",
    "agent_name": "claude_code",
    "tokens_total": 78,
    "total_tokens": 78,
    "cost_usd": 0.05,
    "total_cost": 0.05,
    "messages": 2,
    "message_count": 2,
    "time_created": "2026-11-24T08:00:00.000+00:00",
    "updated_at": "2026-11-24T08:00:09.000+00:00",
}
CALL: ModelCall = {
    "session_id": EXAMPLE_ID,
    "model": "claude-opus-5-5",
    "tokens_in": 48,
    "tokens_out": 30,
    "cost_usd": 0.05,
    "tools": ["read"],
    "timestamp": "2026-11-24T08:00:09.000+00:00",
}
SESSION_CALLS: SessionCalls = {
    "session_id": SESSION["session_id"],
    "title": SESSION["title"],
    "agent_name": SESSION["agent_name"],
    "tokens_total": SESSION["tokens_total"],
    "total_tokens": SESSION["total_tokens"],
    "cost_usd": SESSION["cost_usd"],
    "total_cost": SESSION["total_cost"],
    "message_count": SESSION["message_count"],
    "time_created": SESSION["time_created"],
    "updated_at": SESSION["updated_at"],
    "messages": [CALL],
}
MODEL: ModelUsage = {
    "model": "claude-opus-5-5",
    "model_id": "claude-opus-5-5",
    "provider_id": "anthropic",
    "tokens_in": 48,
    "tokens_out": 30,
    "cache_read": 0,
    "cache_write": 0,
    "total_tokens": TOKENS,
    "cost_usd": 0.05,
    "total_cost": 0.05,
    "message_count": 1,
}
RUNTIME: RuntimeUsage = {
    "agent_name": "claude_code",
    "total_tokens": TOKENS,
    "tokens_total": 78,
    "cost_usd": 0.05,
    "message_count": 1,
}
DAY: DayUsage = {
    "date": "2026-11-24",
    "cost_usd": 0.05,
    "cost": 0.05,
    "tokens_total": 78,
    "tokens": 78,
    "messages": 2,
    "tool_calls": 1,
}
REPORT: UsageReport = {
    "window_days": 1,
    "total_cost_usd": 0.05,
    "total_cost": 0.05,
    "total_tokens": TOKENS,
    "total_sessions": 1,
    "total_messages": 2,
    "avg_tokens_per_session": 78,
    "avg_response_time": 9.0,
    "by_model": [MODEL],
    "by_session": [SESSION],
    "by_runtime": [RUNTIME],
    "daily": [DAY],
    "tool_usage": [{"tool": "read", "count": 1}],
    "response_time_ms": {"p50": 9000, "p95": 9000, "p99": 9000},
    "response_time": {
        "avg": 9.0,
        "median": 9.0,
        "p95": 9.0,
        "min": 9.0,
        "max": 9.0,
        "count": 1,
    },
    "unpriced_models": [],
}
TOTALS: UsageTotals = {
    "total_cost_usd": 0.05,
    "total_messages": 2,
    "total_tokens": {"input": 48, "output": 30},
}
CARD: UsageCard = {
    "label": "Last 30 days",
    "value": "$0.05",
    "subtitle": "78 tokens in 1 calls",
    "trend_pct": 0.0,
}
