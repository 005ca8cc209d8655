"""Sums of what the index counted, with costs."""

import sqlite3
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import orjson

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.words import seconds_of
from xo_cowork_core.services.usage.prices import Price, Prices

COLUMNS = (
    "session_id, day, agent_name, model_id, provider_id,"
    " input, output, reasoning, cache_read, cache_write, cost, calls,"
    " open_input, open_output, open_reasoning, open_cache_read, open_cache_write, tools"
)
TOP_SESSIONS = 10
K = TypeVar("K", bound=Hashable)
Keys: TypeAlias = tuple[str, str, str, str]
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


class Group(NamedTuple):
    """The calls of one day and model. A tuple: a report has thousands."""

    day: str
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
    """What happened in a window of days, oldest first; `seconds` are sorted response times.
    `groups` are over all sessions, `sessions` over all days and models."""

    days: Sequence[str]
    groups: Sequence[Group]
    sessions: Mapping[str, Sum]
    agents: Mapping[str, str]
    tools: Sequence[tuple[str, str, int]]
    messages: Sequence[tuple[str, str, int]]
    seconds: Sequence[float]
    unpriced: Sequence[str]

    def summed(self, groups: Iterable[Group]) -> Sum:
        """Add some groups up."""
        return summed(groups, lambda _: "").get("", Sum())


class _Totals(Generic[K]):
    """Adds up by key. In plain lists: frozen sums would be made anew for each row."""

    def __init__(self) -> None:
        self._figures: dict[K, list[int]] = {}
        self._costs: dict[K, float] = {}

    def add(self, key: K, figures: Sequence[int], calls: int, cost: float) -> None:
        total = self._figures.get(key)
        if total is None:
            self._figures[key] = [*figures, calls]
            self._costs[key] = cost
            return
        total[0] += figures[0]
        total[1] += figures[1]
        total[2] += figures[2]
        total[3] += figures[3]
        total[4] += figures[4]
        total[5] += calls
        self._costs[key] += cost

    def sums(self) -> dict[K, Sum]:
        return {
            key: Sum(Tokens(*figures[:5]), self._costs[key], figures[5])
            for key, figures in self._figures.items()
        }


def summed(groups: Iterable[Group], key: Callable[[Group], str]) -> dict[str, Sum]:
    """Sum groups by a key."""
    totals = _Totals[str]()
    for group in groups:
        one, t = group.sum, group.sum.tokens
        figures = (t.input, t.output, t.reasoning, t.cache_read, t.cache_write)
        totals.add(key(group), figures, one.calls, one.cost)
    return totals.sums()


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
        rows, messages, seconds = await self._index.ask(
            lambda connection: (_rows(connection, scope), *_spoken(connection, scope))
        )
        prices = await self._prices.of({row.model_id for row in rows if row.unpriced})
        by_keys, sessions = _Totals[Keys](), _Totals[str]()
        for row in rows:
            cost = row.cost(prices.get(row.model_id))
            by_keys.add(row.keys, row.figures, row.calls, cost)
            sessions.add(row.session_id, row.figures, row.calls, cost)
        return Usage(
            days=window,
            groups=[Group(*keys, found) for keys, found in by_keys.sums().items()],
            sessions=sessions.sums(),
            agents={row.session_id: row.keys[1] for row in rows},
            tools=_tools(rows),
            messages=messages,
            seconds=seconds,
            unpriced=sorted(
                {r.model_id for r in rows if r.unpriced and prices.get(r.model_id) is None}
            ),
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


class _Row(NamedTuple):
    """One session's calls of a day and model: figures and cost as recorded, figures of calls
    without one. `keys` are those of a `Group`."""

    session_id: str
    keys: Keys
    figures: tuple[int, int, int, int, int]
    recorded: float
    calls: int
    open: tuple[int, int, int, int, int]
    tools: str

    @property
    def model_id(self) -> str:
        return self.keys[2]

    @property
    def unpriced(self) -> bool:
        return any(self.open)

    def cost(self, price: Price | None) -> float:
        if price is None or not self.unpriced:
            return self.recorded
        return self.recorded + price.of(Tokens(*self.open))


def _rows(connection: sqlite3.Connection, scope: _Scope) -> list[_Row]:
    where, values = scope.where()
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM used WHERE {where}",  # noqa: S608
        values,
    )
    return [
        _Row(row[0], row[1:5], row[5:10], row[10], row[11], row[12:17], row[17]) for row in rows
    ]


def _tools(rows: Iterable[_Row]) -> list[tuple[str, str, int]]:
    counted: dict[tuple[str, str], int] = {}
    for row in rows:
        named: dict[str, int] = orjson.loads(row.tools) if row.tools else {}
        for tool, count in named.items():
            place = row.keys[0], tool
            counted[place] = counted.get(place, 0) + count
    return [(day, tool, count) for (day, tool), count in counted.items()]


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
