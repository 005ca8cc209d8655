"""Model calls of a turn and what they used."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from xo_cowork_core.sdk import Event, StepFinish, StepReason, StepStart, Tokens
from xo_runtime_openclaw.gateway.frames import Row, row

REASONS: Mapping[str, StepReason] = MappingProxyType(
    {"toolUse": "tool_use", "length": "length", "error": "error", "aborted": "error"}
)


class StepCounter:
    """The steps of one turn. A call that broke off ends as an error when the next one starts."""

    def __init__(self) -> None:
        self.open = False
        self.tokens: Tokens | None = None
        self.cost: float | None = None
        self._count = 0
        self._seen: set[str] = set()

    def start(self) -> Iterator[Event]:
        """Open a step."""
        yield from self.close(failed=True)
        self._count += 1
        self.open = True
        yield StepStart(self._count)

    def record(self, message: Row) -> Iterator[Event]:
        """Take an assistant's record of the transcript; one without usage is no model call."""
        usage = row(message.get("usage"))
        record_id = str(row(message.get("__openclaw")).get("id") or message.get("responseId"))
        if not usage or record_id in self._seen:
            return
        self._seen.add(record_id)
        tokens, cost = tokens_of(usage), cost_of(usage)
        self.tokens = tokens + (self.tokens or Tokens())
        self.cost = cost if self.cost is None else self.cost + (cost or 0.0)
        if self.open:
            self.open = False
            yield StepFinish(REASONS.get(str(message.get("stopReason")), "stop"), tokens, cost)

    def close(self, *, failed: bool) -> Iterator[Event]:
        """Close what is open without figures."""
        if self.open:
            self.open = False
            yield StepFinish("error" if failed else "stop")


def tokens_of(usage: Row) -> Tokens:
    """Read the gateway's usage of one call."""
    return Tokens(
        input=_count(usage, "input"),
        output=_count(usage, "output"),
        reasoning=_count(usage, "reasoning"),
        cache_read=_count(usage, "cacheRead"),
        cache_write=_count(usage, "cacheWrite"),
    )


def cost_of(usage: Row) -> float | None:
    """Read its cost in US dollars. The gateway says 0 when the model has no price: unknown."""
    total = row(usage.get("cost")).get("total")
    return float(total) if isinstance(total, int | float) and total > 0 else None


def _count(usage: Row, key: str) -> int:
    value = usage.get(key)
    return int(value) if isinstance(value, int | float) and value > 0 else 0
