"""Usage (contract §9), and the same numbers in the shapes of older clients."""

from datetime import date, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response

from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.pagination import Number, page_number
from xo_cowork_core.api.route_family import RouteFamily
from xo_cowork_core.api.sessions.schemas import answer
from xo_cowork_core.api.usage import schemas as answers
from xo_cowork_core.api.usage.serializers import call_row, money, session_rows, usage_body
from xo_cowork_core.sdk import BadRequest, NotFound
from xo_cowork_core.services.index.queries import Label
from xo_cowork_core.services.usage.sums import Usage, total_of

router = APIRouter()
Row = dict[str, Any]
Text = Annotated[str | None, Query()]
MOST_DAYS = 365
FIRST_YEAR = 1970
USAGE_PATH = "/api/usage"
PREFIXES = (USAGE_PATH, "/openclaw/usage")
FAMILY = RouteFamily(
    name="usage",
    description="Tokens, costs and response times.",
    router=router,
    prefixes=PREFIXES,
)


@router.get(
    USAGE_PATH,
    response_model=None,
    responses=answer(answers.UsageBody, answers.USAGE),
)
async def read_usage(services: ServicesDep, days: Number = None) -> Response:
    """Sum the usage of all runtimes."""
    usage = await services.usage.window(days_of(days))
    body = usage_body(usage, await labels_of(services, usage))
    return Response(orjson.dumps(body), media_type="application/json")


async def usage_analytics(
    services: ServicesDep, days: Number = None, start: Text = None, end: Text = None
) -> Row:
    """List the newest model calls of a window, at most 1,000."""
    window = _window(services, days, start, end)
    return {"messages": [call_row(call) for call in await services.usage.calls(window)]}


async def usage_summary(
    services: ServicesDep, days: Number = None, start: Text = None, end: Text = None
) -> Row:
    """Sum up a window."""
    usage = await services.usage.between(_window(services, days, start, end))
    total = total_of(usage.groups)
    return {
        "total_cost_usd": money(total.cost),
        "total_messages": sum(count for _, _, count in usage.messages),
        "total_tokens": {"input": total.tokens.input, "output": total.tokens.output},
    }


async def usage_card(services: ServicesDep, days: Number = None) -> Row:
    """Tell one number and how it compares with the window before."""
    length = days_of(days)
    usage = await services.usage.window(2 * length)
    first = usage.days[length]
    now = total_of(group for group in usage.groups if group.day >= first)
    before = total_of(group for group in usage.groups if group.day < first)
    return {
        "label": f"Last {length} days",
        "value": f"${now.cost:.2f}",
        "subtitle": f"{now.total:,} tokens in {now.calls:,} calls",
        "trend_pct": round((now.cost / before.cost - 1) * 100, 1) if before.cost else 0.0,
    }


async def usage_sessions(services: ServicesDep, days: Number = None) -> Row:
    """List the sessions of a window, the costliest first."""
    usage = await services.usage.window(days_of(days), sessions=-1)
    return {"sessions": session_rows(usage, await labels_of(services, usage))}


async def usage_session(session_id: str, services: ServicesDep, days: Number = None) -> Row:
    """Return one session's row. 404 when it used nothing in the window."""
    window = days_of(days, MOST_DAYS)
    usage = await services.usage.window(window, session_id=session_id)
    rows = session_rows(usage, await labels_of(services, usage))
    if not rows:
        raise NotFound("No usage of this session")
    return rows[0]


async def labels_of(services: Services, usage: Usage) -> dict[str, Label]:
    """Return what is known of the sessions that a report names."""
    return await services.sessions.labels(each.session_id for each in usage.sessions)


def days_of(text: str | None, default: int = 30) -> int:
    """Read `days`: 1 to 365. Raises BadRequest."""
    days = page_number(text, "days", default, least=1)
    if days > MOST_DAYS:
        raise BadRequest(f"`days` must be at most {MOST_DAYS}")
    return days


def _window(services: Services, days: str | None, start: str | None, end: str | None) -> list[str]:
    last = _date(end, "end") if end else services.clock.now().date()
    first = _date(start, "start") if start else last - timedelta(days=days_of(days) - 1)
    if first > last or (last - first).days >= MOST_DAYS:
        raise BadRequest("`start` must be before `end`, by at most 365 days")
    count = (last - first).days + 1
    return [(first + timedelta(days=number)).isoformat() for number in range(count)]


def _date(text: str, name: str) -> date:
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        found = date.min
    # a window that reaches before year 1 can't be reckoned with
    if found.year < FIRST_YEAR:
        raise BadRequest(f"`{name}` must be a date like 2026-01-31, from {FIRST_YEAR} on")
    return found


SUMMARY: Row = {
    "total_cost_usd": 0.05,
    "total_messages": 2,
    "total_tokens": {"input": 48, "output": 30},
}
CARD: Row = {
    "label": "Last 30 days",
    "value": "$0.05",
    "subtitle": "78 tokens in 1 calls",
    "trend_pct": 0.0,
}
OLDER = (
    ("analytics", usage_analytics, answers.Analytics, {"messages": [answers.CALL]}),
    ("summary", usage_summary, answers.Summary, SUMMARY),
    ("summary/card", usage_card, answers.Card, CARD),
    ("sessions", usage_sessions, answers.SessionsUsage, {"sessions": [answers.SESSION]}),
    ("sessions/{session_id}", usage_session, answers.SessionUsage, answers.SESSION),
)
for _prefix in PREFIXES:
    for _path, _handler, _model, _body in OLDER:
        router.add_api_route(
            f"{_prefix}/{_path}",
            _handler,
            methods=["GET"],
            responses=answer(_model, _body),
        )
