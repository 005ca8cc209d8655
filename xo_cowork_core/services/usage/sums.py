"""The parts of a usage report."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import NamedTuple

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


@frozen_dataclass
class Sum:
    """Tokens and cost of some model calls."""

    tokens: Tokens = field(default_factory=Tokens)
    cost: float = 0.0
    calls: int = 0

    @property
    def total(self) -> int:
        """The sum of all kinds of tokens."""
        t = self.tokens
        return t.input + t.output + t.reasoning + t.cache_read + t.cache_write


class Group(NamedTuple):
    """The calls of one day and model."""

    day: str
    agent_name: str
    model_id: str
    provider_id: str
    sum: Sum


class SessionSum(NamedTuple):
    """The calls of one session."""

    session_id: str
    agent_name: str
    sum: Sum


class Call(NamedTuple):
    """One model call; `time` as ISO 8601."""

    session_id: str
    model_id: str
    tokens: Tokens
    cost: float
    tools: Sequence[str]
    time: str


class Usage(NamedTuple):
    """Usage in a window of days, oldest first. `seconds` are sorted response times. `groups` cover
    all sessions; `sessions` are the costliest, over all days and models."""

    days: Sequence[str]
    groups: Sequence[Group]
    sessions: Sequence[SessionSum]
    session_count: int
    tools: Sequence[tuple[str, str, int]]
    messages: Sequence[tuple[str, str, int]]
    seconds: Sequence[float]
    unpriced: Sequence[str]


def total_of(groups: Iterable[Group]) -> Sum:
    """Return the sum of some groups."""
    figures, cost, calls = [0] * 5, 0.0, 0
    for group in groups:
        t = group.sum.tokens
        figures[0] += t.input
        figures[1] += t.output
        figures[2] += t.reasoning
        figures[3] += t.cache_read
        figures[4] += t.cache_write
        cost += group.sum.cost
        calls += group.sum.calls
    return Sum(Tokens(*figures), cost, calls)


def summed(groups: Iterable[Group], key: Callable[[Group], str]) -> dict[str, Sum]:
    """Sum groups by a key."""
    by_key: dict[str, list[Group]] = {}
    for group in groups:
        by_key.setdefault(key(group), []).append(group)
    return {name: total_of(members) for name, members in by_key.items()}
