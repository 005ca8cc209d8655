"""Builds the events of tool calls from what an agent reports of them, snapshot by snapshot."""

from typing import Literal, TypeAlias

from xo_cowork_core.sdk.events.base import Event, Json
from xo_cowork_core.sdk.events.tools import ToolCall, ToolError, ToolResult, ToolUpdate

CallStatus: TypeAlias = Literal["running", "completed", "error"]


class ToolCalls:
    """The tool calls of one turn.

    The first report of a call gives a `ToolCall`, later ones a `ToolUpdate` of what has changed,
    the last one its result or error. Reports after that give nothing.
    """

    def __init__(self) -> None:
        self._calls: dict[str, ToolUpdate] = {}
        self._ended: set[str] = set()

    def name_of(self, call_id: str) -> str:
        """Return the tool of a call; empty for an unknown one."""
        call = self._calls.get(call_id)
        return call.tool if call else ""

    def arguments_of(self, call_id: str) -> Json:
        """Return the last arguments of a call; empty for an unknown one."""
        call = self._calls.get(call_id)
        return (call.arguments if call else None) or {}

    def report(
        self,
        call_id: str,
        tool: str = "",
        *,
        arguments: Json | None = None,
        title: str | None = None,
        output: str | None = None,
        status: CallStatus = "running",
    ) -> list[Event]:
        """Return the events for one report of a call.

        What is None has not changed. `status` is `running`, `completed` or `error`; the `output` of
        an `error` is its message.
        """
        if call_id in self._ended:
            return []
        events: list[Event] = []
        if call_id not in self._calls:
            self._calls[call_id] = ToolUpdate(call_id, tool, arguments or {}, title or tool, "")
            events.append(ToolCall(call_id, tool, arguments or {}, title or tool))
        known = self._calls[call_id]
        update = ToolUpdate(
            call_id,
            known.tool,
            None if arguments == known.arguments else arguments,
            None if title == known.title else title,
            None if output == known.output else output,
        )
        self._calls[call_id] = latest = _merged(known, update)
        if status == "running":
            return [*events, update] if _has_changes(update) else events
        self._ended.add(call_id)
        if update.arguments is not None:
            events.append(ToolUpdate(call_id, known.tool, update.arguments))
        return [*events, _end_of(latest, failed=status == "error")]


def _merged(known: ToolUpdate, update: ToolUpdate) -> ToolUpdate:
    return ToolUpdate(
        known.call_id,
        known.tool,
        known.arguments if update.arguments is None else update.arguments,
        known.title if update.title is None else update.title,
        known.output if update.output is None else update.output,
    )


def _has_changes(update: ToolUpdate) -> bool:
    return (update.arguments, update.title, update.output) != (None, None, None)


def _end_of(call: ToolUpdate, *, failed: bool) -> Event:
    output = call.output or ""
    if failed:
        return ToolError(call.call_id, call.tool, output)
    return ToolResult(call.call_id, call.tool, output, call.title or "")
