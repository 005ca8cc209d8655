"""Model calls of a turn, counted and closed."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import Event, StepFinish, StepReason, StepStart
from xo_runtime_claude.usage import call_tokens

REASONS: Mapping[str, StepReason] = MappingProxyType(
    {"tool_use": "tool_use", "max_tokens": "length", "model_context_window_exceeded": "length"}
)


class StepCounter:
    """The steps of one turn. A call that broke off ends as an error when the next one starts."""

    def __init__(self) -> None:
        self._count = 0
        self._open = False

    def start(self) -> Iterator[Event]:
        """Open a step."""
        yield from self.close(failed=True)
        self._count += 1
        self._open = True
        yield StepStart(self._count)

    def finish(self, event: Mapping[str, Any]) -> Iterator[Event]:
        """Close the step with what `message_delta` tells."""
        delta = event.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, Mapping) else None
        if self._open and reason:
            self._open = False
            yield StepFinish(REASONS.get(str(reason), "stop"), call_tokens(event.get("usage")))

    def close(self, *, failed: bool) -> Iterator[Event]:
        """Close what is open without figures."""
        if self._open:
            self._open = False
            yield StepFinish("error" if failed else "stop")
