"""How the answers about usage look: models for the OpenAPI document alone."""

from typing import Any

from pydantic import BaseModel

from xo_cowork_core.api.sessions.schemas import SESSION_ID, TokenCounts

Row = dict[str, Any]
TOKENS: Row = {"input": 48, "output": 30, "reasoning": 0, "cache_read": 0, "cache_write": 0}
COST: Row = {"cost_usd": 0.05, "total_cost": 0.05}
SESSION: Row = {
    "session_id": SESSION_ID,
    "title": "Say hello",
    "agent_name": "claude_code",
    "tokens_total": 78,
    "total_tokens": 78,
    **COST,
    "messages": 2,
    "message_count": 2,
    "time_created": "2026-11-24T08:00:00.000+00:00",
    "updated_at": "2026-11-24T08:00:09.000+00:00",
}
CALL: Row = {
    "session_id": SESSION_ID,
    "model": "claude-opus-5-5",
    "tokens_in": 48,
    "tokens_out": 30,
    "cost_usd": 0.05,
    "tools": ["read"],
    "timestamp": "2026-11-24T08:00:09.000+00:00",
}
MODEL: Row = {
    "model": "claude-opus-5-5",
    "model_id": "claude-opus-5-5",
    "provider_id": "anthropic",
    "tokens_in": 48,
    "tokens_out": 30,
    "cache_read": 0,
    "cache_write": 0,
    "total_tokens": TOKENS,
    **COST,
    "message_count": 1,
}
RUNTIME: Row = {
    "agent_name": "claude_code",
    "total_tokens": TOKENS,
    "tokens_total": 78,
    "cost_usd": 0.05,
    "message_count": 1,
}
DAY: Row = {
    "date": "2026-11-24",
    "cost_usd": 0.05,
    "cost": 0.05,
    "tokens_total": 78,
    "tokens": 78,
    "messages": 2,
    "tool_calls": 1,
}
USAGE: Row = {
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


class ModelUsage(BaseModel):
    """One model's part of a window."""

    model: str
    model_id: str
    provider_id: str
    tokens_in: int
    tokens_out: int
    cache_read: int
    cache_write: int
    total_tokens: TokenCounts
    cost_usd: float
    total_cost: float
    message_count: int


class SessionUsage(BaseModel):
    """One session's part of a window."""

    session_id: str
    title: str
    agent_name: str
    tokens_total: int
    total_tokens: int
    cost_usd: float
    total_cost: float
    messages: int
    message_count: int
    time_created: str | None
    updated_at: str | None


class RuntimeUsage(BaseModel):
    """One runtime's part of a window."""

    agent_name: str
    total_tokens: TokenCounts
    tokens_total: int
    cost_usd: float
    message_count: int


class DayUsage(BaseModel):
    """One day, in UTC."""

    date: str
    cost_usd: float
    cost: float
    tokens_total: int
    tokens: int
    messages: int
    tool_calls: int


class ToolUsage(BaseModel):
    """How often a tool was called."""

    tool: str
    count: int


class ResponseTimes(BaseModel):
    """Seconds from a prompt to its answer."""

    avg: float
    median: float
    p95: float
    min: float
    max: float
    count: int


class UsageBody(BaseModel):
    """A window's usage, of all runtimes or of one project. No number is null."""

    window_days: int
    total_cost_usd: float
    total_cost: float
    total_tokens: TokenCounts
    total_sessions: int
    total_messages: int
    avg_tokens_per_session: int
    avg_response_time: float
    by_model: list[ModelUsage]
    by_session: list[SessionUsage]
    by_runtime: list[RuntimeUsage]
    daily: list[DayUsage]
    tool_usage: list[ToolUsage]
    response_time_ms: dict[str, int]
    response_time: ResponseTimes
    unpriced_models: list[str]


class ModelCall(BaseModel):
    """One model call."""

    session_id: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float
    tools: list[str]
    timestamp: str


class Analytics(BaseModel):
    """The newest model calls of a window."""

    messages: list[ModelCall]


class InAndOut(BaseModel):
    """Tokens of a window."""

    input: int
    output: int


class Summary(BaseModel):
    """A window in three numbers."""

    total_cost_usd: float
    total_messages: int
    total_tokens: InAndOut


class Card(BaseModel):
    """One number, and how it compares with as many days before."""

    label: str
    value: str
    subtitle: str
    trend_pct: float


class SessionsUsage(BaseModel):
    """The sessions of a window, the costliest first."""

    sessions: list[SessionUsage]
