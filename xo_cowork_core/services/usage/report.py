"""Usage reports: sums of the calls and messages that the index counted, with costs."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.message_rows import unpack_seconds
from xo_cowork_core.services.index.usage_rows import milliseconds_of, time_of
from xo_cowork_core.services.usage.prices import Price, Prices
from xo_cowork_core.services.usage.sums import Call, Group, SessionSum, Sum, Usage

KEYS = "day, agent_name, model_id, provider_id"
FIGURES = "SUM(input), SUM(output), SUM(reasoning), SUM(cache_read), SUM(cache_write)"
OPEN = (
    "SUM(open_input), SUM(open_output), SUM(open_reasoning),"
    " SUM(open_cache_read), SUM(open_cache_write)"
)
TOTAL = "SUM(u.input + u.output + u.reasoning + u.cache_read + u.cache_write)"
# as `Price.of` does it
COST = (
    "SUM(cost + COALESCE(open_input * p.input + (open_output + open_reasoning) * p.output"
    " + open_cache_read * p.cache_read + open_cache_write * p.cache_write, 0) / 1e6)"
)
TOP_SESSIONS = 10
MAX_CALLS = 1000
CACHED_REPORTS = 8
DAY_MS = 86_400_000


class UsageReports:
    """Computes reports for windows of days, with a cache of the last ones."""

    def __init__(self, index: Index, prices: Prices, clock: Clock) -> None:
        self._index = index
        self._prices = prices
        self._clock = clock
        self._cache: dict[object, _CachedReport] = {}

    async def window(
        self,
        days: int,
        *,
        session_id: str | None = None,
        agent_id: str | None = None,
        sessions: int = TOP_SESSIONS,
    ) -> Usage:
        """Return the last `days` days, today among them, of all, one session or one project.

        `sessions` limits how many sessions are listed; -1 means all.
        """
        await self._index.ensure_fresh()
        today = self._clock.now().date()
        window = [(today - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
        return await self.between(
            window, session_id=session_id, agent_id=agent_id, sessions=sessions
        )

    async def between(
        self,
        window: Sequence[str],
        *,
        session_id: str | None = None,
        agent_id: str | None = None,
        sessions: int = TOP_SESSIONS,
    ) -> Usage:
        """Return the usage of some days, given as ISO dates in order.

        It is computed again only when the index or a price changed.
        """
        scope = _Scope(window[0], window[-1], session_id, agent_id)
        wanted, state = (tuple(window), scope, sessions), self._index.state
        cached = self._cache.get(wanted)
        if (
            cached
            and cached.state == state
            and await self._prices.of(cached.prices) == cached.prices
        ):
            return cached.usage
        usage, prices = await self._compute(window, scope, sessions)
        if sessions >= 0:  # a report with all sessions is large
            self._cache[wanted] = _CachedReport(state, prices, usage)
        if len(self._cache) > CACHED_REPORTS:
            self._cache.pop(next(iter(self._cache)))
        return usage

    async def days(self, last: str, limit: int) -> Sequence[str]:
        """Return the days with usage among the `limit` days up to `last`, as ISO dates in order."""
        first = (date.fromisoformat(last) - timedelta(days=limit - 1)).isoformat()
        rows = await self._index.query(
            lambda connection: connection.execute(
                "SELECT DISTINCT day FROM usage_daily WHERE day BETWEEN ? AND ? ORDER BY day",
                (first, last),
            ).fetchall()
        )
        return [row[0] for row in rows]

    async def prices(self, model_ids: Iterable[str]) -> Mapping[str, Price | None]:
        """Return each model's price; None for an unknown model."""
        return await self._prices.of(model_ids)

    async def _compute(
        self, window: Sequence[str], scope: "_Scope", sessions: int
    ) -> "tuple[Usage, Mapping[str, Price | None]]":
        rows = await self._index.query(lambda connection: _rows(connection, scope))
        unpriced = {row.model_id for row in rows if row.unpriced}
        prices = await self._prices.of(unpriced)
        costliest, count, tools, messages, seconds = await self._index.query(
            lambda connection: (
                _sessions(connection, scope, prices, sessions),
                _count_sessions(connection, scope),
                _tools(connection, scope),
                *_messages(connection, scope),
            )
        )
        usage = Usage(
            days=window,
            groups=[row.group(prices.get(row.model_id)) for row in rows],
            sessions=costliest,
            session_count=count,
            tools=tools,
            messages=messages,
            seconds=seconds,
            unpriced=sorted(model_id for model_id in unpriced if prices.get(model_id) is None),
        )
        return usage, prices

    async def calls(
        self, window: Sequence[str], *, session_id: str | None = None
    ) -> Sequence[Call]:
        """Return the newest model calls of some days, of one session or all, at most
        `MAX_CALLS`."""
        rows = await self._index.query(
            lambda connection: _newest_calls(connection, window, session_id)
        )
        prices = await self._prices.of({row[1] for row in rows if row[7] is None})
        return [_call(row, prices.get(row[1])) for row in rows]


class _CachedReport(NamedTuple):
    """A report, with the index's state before it was computed, and its prices."""

    state: tuple[int, int]
    prices: Mapping[str, Price | None]
    usage: Usage


class _Scope(NamedTuple):
    first: str
    last: str
    session_id: str | None
    agent_id: str | None

    def where(self) -> tuple[str, list[str]]:
        clauses, values = ["day BETWEEN ? AND ?"], [self.first, self.last]
        if self.session_id:
            clauses.append("session_id = ?")
            values.append(self.session_id)
        if self.agent_id:
            clauses.append("session_id IN (SELECT session_id FROM sessions WHERE agent_id = ?)")
            values.append(self.agent_id)
        return " AND ".join(clauses), values


@frozen_dataclass
class _Row:
    """One group: tokens of all calls, recorded cost, and tokens of the calls without a cost."""

    keys: tuple[str, str, str, str]
    tokens: Tokens
    recorded: float
    calls: int
    open: Tokens

    @property
    def model_id(self) -> str:
        return self.keys[2]

    @property
    def unpriced(self) -> bool:
        return self.open != Tokens()

    def group(self, price: Price | None) -> Group:
        cost = self.recorded + (price.of(self.open) if price else 0.0)
        return Group(*self.keys, Sum(self.tokens, cost, self.calls))


def _rows(connection: sqlite3.Connection, scope: _Scope) -> list[_Row]:
    where, values = scope.where()
    rows = connection.execute(
        f"SELECT {KEYS}, {FIGURES}, SUM(cost), SUM(calls), {OPEN}"  # noqa: S608
        f" FROM usage_daily WHERE {where} GROUP BY {KEYS}",
        values,
    )
    return [_Row(row[:4], Tokens(*row[4:9]), row[9], row[10], Tokens(*row[11:16])) for row in rows]


def _sessions(
    connection: sqlite3.Connection,
    scope: _Scope,
    prices: Mapping[str, Price | None],
    limit: int,
) -> list[SessionSum]:
    """Sum and sort in SQL: a report lists few of thousands of sessions."""
    known = [(model_id, price) for model_id, price in prices.items() if price]
    listed = ", ".join(["(?, ?, ?, ?, ?)"] * len(known)) or "(NULL, 0, 0, 0, 0)"
    figures = [f for m, p in known for f in (m, p.input, p.output, p.cache_read, p.cache_write)]
    where, values = scope.where()
    rows = connection.execute(
        "WITH prices (model_id, input, output, cache_read, cache_write)"  # noqa: S608
        f" AS (VALUES {listed})"
        f" SELECT session_id, MAX(agent_name), {FIGURES.replace('(', '(u.')}, SUM(calls),"
        f" {COST} AS spent"
        " FROM usage_daily u LEFT JOIN prices p ON p.model_id = u.model_id"
        f" WHERE {where} GROUP BY session_id"
        f" ORDER BY spent DESC, {TOTAL} DESC, session_id LIMIT ?",
        [*figures, *values, limit],
    )
    return [SessionSum(r[0], r[1], Sum(Tokens(*r[2:7]), r[8], r[7])) for r in rows]


def _count_sessions(connection: sqlite3.Connection, scope: _Scope) -> int:
    where, values = scope.where()
    row = connection.execute(
        f"SELECT COUNT(DISTINCT session_id) FROM usage_daily WHERE {where}",  # noqa: S608
        values,
    ).fetchone()
    return int(row[0])


def _tools(connection: sqlite3.Connection, scope: _Scope) -> list[tuple[str, str, int]]:
    where, values = scope.where()
    return connection.execute(
        f"SELECT day, tool, SUM(count) FROM tools_daily WHERE {where} GROUP BY day, tool",  # noqa: S608
        values,
    ).fetchall()


def _messages(
    connection: sqlite3.Connection, scope: _Scope
) -> tuple[list[tuple[str, str, int]], list[float]]:
    where, values = scope.where()
    rows = connection.execute(
        f"SELECT day, session_id, messages, seconds FROM messages_daily WHERE {where}",  # noqa: S608
        values,
    ).fetchall()
    seconds = unpack_seconds(b"".join(row[3] for row in rows))
    return [row[:3] for row in rows], sorted(seconds)


def _newest_calls(
    connection: sqlite3.Connection, window: Sequence[str], session_id: str | None
) -> list[tuple[Any, ...]]:
    start = milliseconds_of(datetime.fromisoformat(f"{window[0]}T00:00:00+00:00"))
    end = milliseconds_of(datetime.fromisoformat(f"{window[-1]}T00:00:00+00:00")) + DAY_MS
    of_session = "AND session_id = ?" if session_id else ""
    values = [start, end, *([session_id] if session_id else []), MAX_CALLS]
    return connection.execute(
        "SELECT session_id, model_id, input, output, reasoning, cache_read, cache_write,"  # noqa: S608
        " cost, tools, time_ms FROM calls JOIN models USING (model_key)"
        " JOIN session_keys USING (session_key)"
        f" WHERE counted AND time_ms >= ? AND time_ms < ? {of_session}"
        " ORDER BY time_ms DESC LIMIT ?",
        values,
    ).fetchall()


def _call(row: tuple[Any, ...], price: Price | None) -> Call:
    tokens = Tokens(*row[2:7])
    cost = row[7]
    if cost is None:
        cost = price.of(tokens) if price else 0.0
    return Call(
        row[0], row[1], tokens, cost, row[8].split("\n") if row[8] else [], stamp(time_of(row[9]))
    )
