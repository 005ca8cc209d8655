"""The card of the usage summary compares a window with the one before it."""

from datetime import timedelta

import pytest

from tests.support.terminal_session import TerminalSession
from xo_cowork_core.sdk.testing import LiveServer, eventually


@pytest.mark.parametrize(("before", "now", "trend"), [(1, 2, 100.0), (4, 1, -75.0), (0, 1, 0.0)])
def test_the_trend_is_the_change_of_cost_in_percent(
    own_server: LiveServer, before: int, now: int, trend: float
) -> None:
    for exchanges, days in ((before, 10), (now, 1)):
        session = TerminalSession(own_server, "spender", age=timedelta(days=days))
        for _ in range(exchanges):
            session.add_exchange("What does it cost?", tokens=1_000_000)

    def card() -> dict[str, object]:
        return own_server.client.get("/api/usage/summary/card?days=7").json()

    def calls() -> bool:
        usage = own_server.client.get("/api/usage?days=30").json()
        return usage["total_messages"] == 2 * (before + now)

    eventually(calls, 10, "all are counted")
    assert card()["label"] == "Last 7 days"
    assert card()["trend_pct"] == trend
    assert card()["subtitle"] == f"{now * 1_000_200:,} tokens in {now} calls"
    days = own_server.client.get("/api/usage?days=7").json()["daily"]
    idle = [day for day in days if not day["messages"]]
    assert (len(days), len(idle)) == (7, 6)
    assert {day["tool_calls"] for day in days} == {0}
    assert not any(day["cost_usd"] or day["tokens_total"] for day in idle)


@pytest.mark.parametrize("end", ["2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31 10:00"])
def test_a_window_ends_on_a_day_with_or_without_a_time(server: LiveServer, end: str) -> None:
    query = {"start": "2026-01-01", "end": end}
    assert server.client.get("/api/usage/summary", params=query).status_code == 200
