"""Sums of what the index counted, with costs."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.usage.prices import Price, Prices

SUMS = (
    "SUM(input), SUM(output), SUM(reasoning), SUM(cache_read), SUM(cache_write),"
    " COALESCE(SUM(cost), 0), COUNT(*),"
    # tokens that nobody priced yet
    " SUM(CASE WHEN cost IS NULL THEN input ELSE 0 END),"
    " SUM(CASE WHEN cost IS NULL THEN output ELSE 0 END),"
    " SUM(CASE WHEN cost IS NULL THEN reasoning ELSE 0 END),"
    " SUM(CASE WHEN cost IS NULL THEN cache_read ELSE 0 END),"
    " SUM(CASE WHEN cost IS NULL THEN cache_write ELSE 0 END)"
)
KEYS = "day, session_id, agent_name, model_id, provider_id"
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
    """The calls of one day, session and model."""

    day: str
    session_id: str
    agent_name: str
    model_id: str
    provider_id: str
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
    """What happened in a window of days, oldest first; `seconds` are sorted response times."""

    days: Sequence[str]
    groups: Sequence[Group]
    tools: Sequence[tuple[str, str, int]]
    messages: Sequence[tuple[str, str, int]]
    seconds: Sequence[float]
    unpriced: Sequence[str]

    def summed(self, groups: Iterable[Group]) -> Sum:
        """Add some groups up."""
        return sum((group.sum for group in groups), Sum())


class UsageReports:
    """Makes reports for windows of days."""

    def __init__(self, index: Index, prices: Prices, clock: Clock) -> None:
        self._index = index
        self._prices = prices
        self._clock = clock

    async def window(
        self, days: int, *, session_id: str | None = None, agent_id: str | None = None
    ) -> Usage:
        """Return the last `days` days, today among them, of all, one session or one project."""
        await self._index.look()
        today = self._clock.now().date()
        window = [(today - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
        return await self.between(window, session_id=session_id, agent_id=agent_id)

    async def between(
        self,
        window: Sequence[str],
        *,
        session_id: str | None = None,
        agent_id: str | None = None,
    ) -> Usage:
        """Return the usage of some days, given as ISO dates in order."""
        scope = _Scope(window[0], window[-1], session_id, agent_id)
        rows = await self._index.database.read(lambda connection: _groups(connection, scope))
        prices = await self._prices.of({row.model_id for row in rows if row.unpriced})
        groups = [row.group(prices.get(row.model_id)) for row in rows]
        unpriced = {r.model_id for r in rows if r.unpriced and prices.get(r.model_id) is None}
        tools, messages, seconds = await self._index.database.read(
            lambda connection: _counts(connection, scope)
        )
        return Usage(window, groups, tools, messages, seconds, sorted(unpriced))

    async def calls(self, window: Sequence[str]) -> Sequence[Call]:
        """Return the newest model calls of some days, at most `MOST_CALLS`."""
        rows = await self._index.database.read(
            lambda connection: connection.execute(
                "SELECT session_id, model_id, input, output, reasoning, cache_read, cache_write,"
                " cost, tools, time FROM calls WHERE day BETWEEN ? AND ?"
                " ORDER BY time DESC LIMIT ?",
                (window[0], window[-1], MOST_CALLS),
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
    """One group as it is counted: tokens, cost as recorded, and the tokens without a cost."""

    keys: tuple[str, str, str, str, str]
    tokens: Tokens
    recorded: float
    calls: int
    open: Tokens

    @property
    def model_id(self) -> str:
        return self.keys[3]

    @property
    def unpriced(self) -> bool:
        return self.open != Tokens()

    def group(self, price: Price | None) -> Group:
        cost = self.recorded + (price.of(self.open) if price else 0.0)
        return Group(*self.keys, Sum(self.tokens, cost, self.calls))


def _groups(connection: sqlite3.Connection, scope: _Scope) -> list[_Row]:
    where, values = scope.where()
    rows = connection.execute(
        f"SELECT {KEYS}, {SUMS} FROM calls WHERE {where} GROUP BY {KEYS}",  # noqa: S608
        values,
    )
    return [
        _Row(row[:5], Tokens(*row[5:10]), row[10], row[11], Tokens(*row[12:17])) for row in rows
    ]


def _counts(
    connection: sqlite3.Connection, scope: _Scope
) -> tuple[list[tuple[str, str, int]], list[tuple[str, str, int]], list[float]]:
    where, values = scope.where()
    counted: dict[tuple[str, str], int] = {}
    for day, tools, count in connection.execute(
        f"SELECT day, tools, COUNT(*) FROM calls WHERE {where} AND tools <> ''"  # noqa: S608
        " GROUP BY day, tools",
        values,
    ):
        for tool in tools.split(","):
            counted[day, tool] = counted.get((day, tool), 0) + count
    messages = connection.execute(
        f"SELECT day, session_id, COUNT(*) FROM messages WHERE {where}"  # noqa: S608
        " GROUP BY day, session_id",
        values,
    ).fetchall()
    seconds = connection.execute(
        f"SELECT seconds FROM messages WHERE {where} AND seconds IS NOT NULL"  # noqa: S608
        " ORDER BY seconds",
        values,
    ).fetchall()
    return [(d, t, n) for (d, t), n in counted.items()], messages, [s for (s,) in seconds]


def _call(row: tuple[Any, ...], price: Price | None) -> Call:
    tokens = Tokens(*row[2:7])
    cost = row[7]
    if cost is None:
        cost = price.of(tokens) if price else 0.0
    return Call(row[0], row[1], tokens, cost, row[8].split(",") if row[8] else [], row[9])
