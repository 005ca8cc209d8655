"""Content blocks of a turn: text, thinking, tool calls and their results."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from xo_cowork_core.sdk import Event, ReasoningDelta, TextDelta, ToolCall, ToolError, ToolResult
from xo_cowork_core.sdk.kit import Passage, TextReconciler
from xo_runtime_claude.tools import (
    INTERACTIVE_TOOLS,
    error_message,
    normal_name,
    output_text,
    result_metadata,
    title_of,
)

TEXT, THINKING = "text", "thinking"  # the open block of each kind


class StartedCall(NamedTuple):
    """A tool call of this turn. `tool` is the CLI's own name."""

    tool: str
    title: str
    arguments: Mapping[str, Any]


class ContentBlocks:
    """Translates the content blocks of one turn to events."""

    def __init__(self, texts: TextReconciler) -> None:
        self._texts = texts
        self._calls: dict[str, StartedCall] = {}
        self._answered: set[str] = set()

    @property
    def has_open_calls(self) -> bool:
        """Whether a call has no result yet."""
        return len(self._calls) > len(self._answered)

    def delta(self, delta: object) -> Iterator[Event]:
        """Take a delta of text or thinking."""
        if not isinstance(delta, Mapping):
            return
        text, thinking = delta.get("text"), delta.get("thinking")
        if isinstance(text, str) and text and delta.get("type") == "text_delta":
            yield self._preview(TextDelta(text), TEXT)
        elif isinstance(thinking, str) and thinking:
            yield self._preview(ReasoningDelta(thinking), THINKING)

    def assistant(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """Take finished blocks of the model's answer."""
        for block in _blocks(message):
            kind = str(block.get("type"))
            if kind == "text" and isinstance(block.get("text"), str):
                yield from self._texts.confirm(TextDelta(block["text"]), TEXT)
            elif kind == "thinking" and isinstance(block.get("thinking"), str):
                thinking = ReasoningDelta(block["thinking"])
                yield from self._texts.confirm(thinking, THINKING)
            elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
                yield from self._call(block)
            elif kind.endswith("tool_result"):
                yield from self._result(block, None)

    def results(self, message: Mapping[str, Any], structured: object) -> Iterator[Event]:
        """Take the tool results of a user message."""
        for block in _blocks(message):
            if block.get("type") == "tool_result":
                yield from self._result(block, structured)

    def find_plan(self, call_id: str, arguments: object) -> str:
        """Return a plan's text: from the request, the call, or else the last text."""
        call = self._calls.get(call_id)
        for source in (arguments, call.arguments if call else None):
            plan = source.get("plan") if isinstance(source, Mapping) else None
            if isinstance(plan, str) and plan.strip():
                return plan
        return self._texts.last_text

    def _preview(self, delta: Passage, key: str) -> Passage:
        self._texts.add(delta, key)
        return delta

    def _call(self, block: Mapping[str, Any]) -> Iterator[Event]:
        call_id, tool = str(block.get("id")), str(block.get("name"))
        if call_id in self._calls:
            return
        raw = block.get("input")
        arguments = raw if isinstance(raw, Mapping) else {}
        call = self._calls[call_id] = StartedCall(tool, title_of(tool, arguments), arguments)
        if tool not in INTERACTIVE_TOOLS:
            yield ToolCall(call_id, normal_name(tool), arguments, call.title)

    def _result(self, block: Mapping[str, Any], structured: object) -> Iterator[Event]:
        call_id = str(block.get("tool_use_id"))
        call = self._calls.get(call_id)
        if call is None or call_id in self._answered:
            return
        self._answered.add(call_id)
        if call.tool in INTERACTIVE_TOOLS:
            return
        tool, output = normal_name(call.tool), output_text(block.get("content"))
        if block.get("is_error"):
            message = error_message(output)
            yield ToolError(call_id, tool, message, message)
            return
        metadata = result_metadata(call.tool, call.arguments, structured)
        yield ToolResult(call_id, tool, output, call.title, metadata)


def _blocks(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, Mapping))
