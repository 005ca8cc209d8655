"""Usage (contract §9), and the same numbers in the forms of older clients."""

from typing import Annotated

import orjson
from fastapi import Query, Request, Response

from xo_cowork_core.api.dependencies import Services, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import Unvalidated, response_example
from xo_cowork_core.api.pagination import Number
from xo_cowork_core.api.usage import PREFIXES, USAGE_PATH, examples, schemas
from xo_cowork_core.api.usage.serializers import (
    call_row,
    money,
    session_calls,
    session_rows,
    usage_report,
)
from xo_cowork_core.api.usage.window import MAX_DAYS, days_of, window_of
from xo_cowork_core.api.wire_style import wire_style_of
from xo_cowork_core.sdk import NotFound
from xo_cowork_core.services.index.queries import Label
from xo_cowork_core.services.usage.sums import Usage, total_of

router = lazy_router()
Text = Annotated[str | None, Query()]


@router.get(
    USAGE_PATH,
    response_model=schemas.UsageReport,
    responses=response_example(examples.REPORT),
)
async def read_usage(services: ServicesDep, days: Number = None) -> Response:
    """Sum the usage of all runtimes."""
    usage = await services.usage.window(days_of(days))
    return report_response(usage_report(usage, await labels_of(services, usage)))


async def usage_analytics(
    services: ServicesDep, days: Number = None, start: Text = None, end: Text = None
) -> Unvalidated[schemas.UsageAnalytics]:
    """List the newest model calls of a window, at most 1,000."""
    window = window_of(days, start, end, today=services.clock.now().date())
    return {"messages": [call_row(call) for call in await services.usage.calls(window)]}


async def usage_summary(
    services: ServicesDep, days: Number = None, start: Text = None, end: Text = None
) -> Unvalidated[schemas.UsageTotals]:
    """Sum the usage of a window."""
    window = window_of(days, start, end, today=services.clock.now().date())
    usage = await services.usage.between(window)
    total = total_of(usage.groups)
    return {
        "total_cost_usd": money(total.cost),
        "total_messages": sum(count for _, _, count in usage.messages),
        "total_tokens": {"input": total.tokens.input, "output": total.tokens.output},
    }


async def usage_card(services: ServicesDep, days: Number = None) -> Unvalidated[schemas.UsageCard]:
    """Return the cost of a window, compared with the window before."""
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


async def usage_sessions(
    services: ServicesDep, days: Number = None
) -> Unvalidated[schemas.SessionUsageList]:
    """List the sessions of a window, the costliest first."""
    usage = await services.usage.window(days_of(days), sessions=-1)
    return {"sessions": session_rows(usage, await labels_of(services, usage))}


async def usage_session(
    request: Request, session_id: str, services: ServicesDep, days: Number = None
) -> Unvalidated[schemas.SessionCalls | schemas.SessionUsage]:
    """Return one session's row; in docs style with its model calls as `messages`. 404 when it has
    no usage in the window."""
    style = wire_style_of(request, services.wire_style)
    usage = await services.usage.window(days_of(days, MAX_DAYS), session_id=session_id)
    rows = session_rows(usage, await labels_of(services, usage))
    if not rows:
        raise NotFound("No usage of this session")
    if style == "spa":
        return rows[0]
    calls = await services.usage.calls(usage.days, session_id=session_id)
    return session_calls(rows[0], calls)


async def labels_of(services: Services, usage: Usage) -> dict[str, Label]:
    """Return the title and times of the sessions in a report."""
    return await services.sessions.labels(each.session_id for each in usage.sessions)


def report_response(report: schemas.UsageReport) -> Response:
    """Serialize a report with orjson: a year of days takes a seventh of the time."""
    return Response(orjson.dumps(report), media_type="application/json")


_BOTH_PREFIXES = (
    ("analytics", usage_analytics, {"messages": [examples.CALL]}),
    ("summary", usage_summary, examples.TOTALS),
    ("summary/card", usage_card, examples.CARD),
    ("sessions", usage_sessions, {"sessions": [examples.SESSION]}),
    ("sessions/{session_id}", usage_session, examples.SESSION_CALLS),
)
for _prefix in PREFIXES:
    for _path, _handler, _example in _BOTH_PREFIXES:
        router.add_api_route(
            f"{_prefix}/{_path}",
            _handler,
            methods=["GET"],
            responses=response_example(_example),
        )
