"""The bodies about usage (contract §9). `serializers` builds them; no number is null."""

from typing_extensions import TypedDict

from xo_cowork_core.api.token_counts import TokenCounts


class ModelUsage(TypedDict):
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


class SessionTotals(TypedDict):
    """The sums of one session's part of a window."""

    session_id: str
    title: str
    agent_name: str
    tokens_total: int
    total_tokens: int
    cost_usd: float
    total_cost: float
    message_count: int
    time_created: str | None
    updated_at: str | None


class SessionUsage(SessionTotals):
    """One session's part of a window."""

    messages: int


class RuntimeUsage(TypedDict):
    """One runtime's part of a window."""

    agent_name: str
    total_tokens: TokenCounts
    tokens_total: int
    cost_usd: float
    message_count: int


class DayUsage(TypedDict):
    """One day, in UTC."""

    date: str
    cost_usd: float
    cost: float
    tokens_total: int
    tokens: int
    messages: int
    tool_calls: int


class ToolUsage(TypedDict):
    """The number of calls of a tool."""

    tool: str
    count: int


class ResponsePercentiles(TypedDict):
    """Milliseconds from a prompt to its answer."""

    p50: int
    p95: int
    p99: int


class ResponseTimes(TypedDict):
    """Seconds from a prompt to its answer."""

    avg: float
    median: float
    p95: float
    min: float
    max: float
    count: int


class UsageReport(TypedDict):
    """The usage of a window, of all runtimes or of one project."""

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
    response_time_ms: ResponsePercentiles
    response_time: ResponseTimes
    unpriced_models: list[str]


class ModelCall(TypedDict):
    """One model call."""

    session_id: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float
    tools: list[str]
    timestamp: str


class UsageAnalytics(TypedDict):
    """The newest model calls of a window."""

    messages: list[ModelCall]


class SessionCalls(SessionTotals):
    """One session's part of a window with its newest model calls, in the wire style `docs`."""

    messages: list[ModelCall]


class InputOutputTokens(TypedDict):
    """Tokens of a window."""

    input: int
    output: int


class UsageTotals(TypedDict):
    """A window in three numbers."""

    total_cost_usd: float
    total_messages: int
    total_tokens: InputOutputTokens


class UsageCard(TypedDict):
    """The cost of a window, and the change from as many days before."""

    label: str
    value: str
    subtitle: str
    trend_pct: float


class SessionUsageList(TypedDict):
    """The sessions of a window, the costliest first."""

    sessions: list[SessionUsage]
