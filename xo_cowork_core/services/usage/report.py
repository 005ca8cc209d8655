"""Sums of what the index counted, with costs."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.words import seconds_of
from xo_cowork_core.services.usage.prices import Price, Prices

KEYS = "day, agent_name, model_id, provider_id"
FIGURES = "SUM(input), SUM(output), SUM(reasoning), SUM(cache_read), SUM(cache_write)"
OPEN = (
    "SUM(open_input), SUM(open_output), SUM(open_reasoning),"
    " SUM(open_cache_read), SUM(open_cache_write)"
)
TOTAL = "SUM(used.input + used.output + used.reasoning + used.cache_read + used.cache_write)"
# as `Price.of` does it
COST = (
    "SUM(cost + COALESCE(open_input * p.input + (open_output + open_reasoning) * p.output"
    " + open_cache_read * p.cache_read + open_cache_write * p.cache_write, 0) / 1e6)"
)
TOP_SESSIONS = 10
MOST_CALLS = 1000


@dataclass(frozen=True, slots=True)
class Sum:
    """Tokens and cost of some model calls."""

    tokens: Tokens = field(default_factory=Tokens)
    cost: float = 0.0
    calls: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.tokens + other.tokens, self.cost + other.cost, self.calls + other.calls)

    @property
    def total(self) -> int:
        """All tokens together."""
        t = self.tokens
        return t.input + t.output + t.reasoning + t.cache_read + t.cache_write


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one day and model."""

    day: str
    agent_name: str
    model_id: str
    provider_id: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class SessionSum:
    """The calls of one session."""

    session_id: str
    agent_name: str
    sum: Sum


@dataclass(frozen=True, slots=True)
class Call:
    """One model call; `time` as ISO 8601."""

    session_id: str
    model_id: str
    tokens: Tokens
    cost: float
    tools: Sequence[str]
    time: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What happened in a window of days, oldest first; `seconds` are sorted response times.
    `groups` are over all sessions; `sessions` are the costliest, over all days and models."""

    days: Sequence[str]
    groups: Sequence[Group]
    sessions: Sequence[SessionSum]
    session_count: int
    tools: Sequence[tuple[str, str, int]]
    messages: Sequence[tuple[str, str, int]]
    seconds: Sequence[float]
    unpriced: Sequence[str]

    def summed(self, groups: Iterable[Group]) -> Sum:
        """Add some groups up."""
        return sum((group.sum for group in groups), Sum())


def summed(groups: Iterable[Group], key: Callable[[Group], str]) -> dict[str, Sum]:
    """Sum groups by a key."""
    found: dict[str, Sum] = {}
    for group in groups:
        name = key(group)
        found[name] = found.get(name, Sum()) + group.sum
    return found


class UsageReports:
    """Makes reports for windows of days."""

    def __init__(self, index: Index, prices: Prices, clock: Clock) -> None:
        self._index = index
        self._prices = prices
        self._clock = clock

    async def window(
        self,
        days: int,
        *,
        session_id: str | None = None,
        agent_id: str | None = None,
        sessions: int = TOP_SESSIONS,
    ) -> Usage:
        """Return the last `days` days, today among them, of all, one session or one project.

        `sessions` is how many of them are told one by one, -1 means all.
        """
        await self._index.look()
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
        """Return the usage of some days, given as ISO dates in order."""
        scope = _Scope(window[0], window[-1], session_id, agent_id)
        rows = await self._index.ask(lambda connection: _rows(connection, scope))
        unpriced = {row.model_id for row in rows if row.unpriced}
        prices = await self._prices.of(unpriced)
        costliest, count, tools, messages, seconds = await self._index.ask(
            lambda connection: (
                _sessions(connection, scope, prices, sessions),
                _count(connection, scope),
                _tools(connection, scope),
                *_spoken(connection, scope),
            )
        )
        return Usage(
            days=window,
            groups=[row.group(prices.get(row.model_id)) for row in rows],
            sessions=costliest,
            session_count=count,
            tools=tools,
            messages=messages,
            seconds=seconds,
            unpriced=sorted(model_id for model_id in unpriced if prices.get(model_id) is None),
        )

    async def calls(self, window: Sequence[str]) -> Sequence[Call]:
        """Return the newest model calls of some days, at most `MOST_CALLS`."""
        rows = await self._index.ask(
            lambda connection: connection.execute(
                "SELECT session_id, model_id, input, output, reasoning, cache_read, cache_write,"
                " cost, tools, time FROM calls WHERE counted AND time >= ? AND time < ?"
                " ORDER BY time DESC LIMIT ?",
                (window[0], f"{window[-1]}U", MOST_CALLS),  # U: after every T
            ).fetchall()
        )
        prices = await self._prices.of({row[1] for row in rows if row[7] is None})
        return [_call(row, prices.get(row[1])) for row in rows]


@dataclass(frozen=True, slots=True)
class _Scope:
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


@dataclass(frozen=True, slots=True)
class _Row:
    """One group as it is counted: figures and cost as recorded, figures of calls without one."""

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
        f" FROM used WHERE {where} GROUP BY {KEYS}",
        values,
    )
    return [_Row(row[:4], Tokens(*row[4:9]), row[9], row[10], Tokens(*row[11:16])) for row in rows]


def _sessions(
    connection: sqlite3.Connection,
    scope: _Scope,
    prices: Mapping[str, Price | None],
    limit: int,
) -> list[SessionSum]:
    """Sum and order in SQL: a report names few of thousands of sessions."""
    known = [(model_id, price) for model_id, price in prices.items() if price]
    listed = ", ".join(["(?, ?, ?, ?, ?)"] * len(known)) or "(NULL, 0, 0, 0, 0)"
    figures = [f for m, p in known for f in (m, p.input, p.output, p.cache_read, p.cache_write)]
    where, values = scope.where()
    rows = connection.execute(
        "WITH prices (model_id, input, output, cache_read, cache_write)"  # noqa: S608
        f" AS (VALUES {listed})"
        f" SELECT session_id, MAX(agent_name), {FIGURES.replace('(', '(used.')}, SUM(calls),"
        f" {COST} AS spent"
        " FROM used LEFT JOIN prices p ON p.model_id = used.model_id"
        f" WHERE {where} GROUP BY session_id"
        f" ORDER BY spent DESC, {TOTAL} DESC, session_id LIMIT ?",
        [*figures, *values, limit],
    )
    return [SessionSum(r[0], r[1], Sum(Tokens(*r[2:7]), r[8], r[7])) for r in rows]


def _count(connection: sqlite3.Connection, scope: _Scope) -> int:
    where, values = scope.where()
    row = connection.execute(
        f"SELECT COUNT(DISTINCT session_id) FROM used WHERE {where}",  # noqa: S608
        values,
    ).fetchone()
    return int(row[0])


def _tools(connection: sqlite3.Connection, scope: _Scope) -> list[tuple[str, str, int]]:
    where, values = scope.where()
    return connection.execute(
        f"SELECT day, tool, SUM(count) FROM tooled WHERE {where} GROUP BY day, tool",  # noqa: S608
        values,
    ).fetchall()


def _spoken(
    connection: sqlite3.Connection, scope: _Scope
) -> tuple[list[tuple[str, str, int]], list[float]]:
    where, values = scope.where()
    rows = connection.execute(
        f"SELECT day, session_id, messages, seconds FROM spoken WHERE {where}",  # noqa: S608
        values,
    ).fetchall()
    seconds = seconds_of(b"".join(row[3] for row in rows))
    return [row[:3] for row in rows], sorted(seconds)


def _call(row: tuple[Any, ...], price: Price | None) -> Call:
    tokens = Tokens(*row[2:7])
    cost = row[7]
    if cost is None:
        cost = price.of(tokens) if price else 0.0
    return Call(row[0], row[1], tokens, cost, row[8].split("\n") if row[8] else [], row[9])
