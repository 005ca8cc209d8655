"""Content blocks of a turn: text, thinking, tool calls and their results."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xo_cowork_core.sdk import Event, ReasoningDelta, TextDelta, ToolCall, ToolError, ToolResult
from xo_runtime_claude.text_reconciler import TextReconciler
from xo_runtime_claude.tools import (
    ASKS,
    normal_name,
    output_text,
    result_metadata,
    title_of,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that was told of. `tool` is the CLI's own name."""

    tool: str
    title: str
    arguments: Mapping[str, Any]


class Blocks:
    """The content of one turn, block by block."""

    def __init__(self, said: TextReconciler) -> None:
        self._said = said
        self._calls: dict[str, Call] = {}
        self._answered: set[str] = set()

    @property
    def open(self) -> bool:
        """Say whether a call has no result yet."""
        return len(self._calls) > len(self._answered)

    def delta(self, delta: object) -> Iterator[Event]:
        """Take a preview of text or thinking."""
        if not isinstance(delta, Mapping):
            return
        text, thinking = delta.get("text"), delta.get("thinking")
        if isinstance(text, str) and text and delta.get("type") == "text_delta":
            self._said.text.append(text)
            yield TextDelta(text)
        elif isinstance(thinking, str) and thinking:
            self._said.thinking.append(thinking)
            yield ReasoningDelta(thinking)

    def assistant(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """Take finished blocks of the model's answer."""
        for block in _blocks(message):
            kind = str(block.get("type"))
            if kind == "text" and isinstance(block.get("text"), str):
                yield from self._said.confirm_text(block["text"])
            elif kind == "thinking" and isinstance(block.get("thinking"), str):
                yield from self._said.confirm_thinking(block["thinking"])
            elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
                yield from self._call(block)
            elif kind.endswith("tool_result"):
                yield from self._result(block, None)

    def results(self, message: Mapping[str, Any], structured: object) -> Iterator[Event]:
        """Take tool results out of a user record."""
        for block in _blocks(message):
            if block.get("type") == "tool_result":
                yield from self._result(block, structured)

    def plan(self, call_id: str, arguments: object) -> str:
        """Find the plan's text: in the request, in the call, else in the last text."""
        call = self._calls.get(call_id)
        for source in (arguments, call.arguments if call else None):
            plan = source.get("plan") if isinstance(source, Mapping) else None
            if isinstance(plan, str) and plan.strip():
                return plan
        return self._said.last_text

    def _call(self, block: Mapping[str, Any]) -> Iterator[Event]:
        call_id, tool = str(block.get("id")), str(block.get("name"))
        if call_id in self._calls:
            return
        raw = block.get("input")
        arguments = raw if isinstance(raw, Mapping) else {}
        call = self._calls[call_id] = Call(tool, title_of(tool, arguments), arguments)
        if tool not in ASKS:
            yield ToolCall(call_id, normal_name(tool), arguments, call.title)

    def _result(self, block: Mapping[str, Any], structured: object) -> Iterator[Event]:
        call_id = str(block.get("tool_use_id"))
        call = self._calls.get(call_id)
        if call is None or call_id in self._answered:
            return
        self._answered.add(call_id)
        if call.tool in ASKS:
            return
        tool, output = normal_name(call.tool), output_text(block.get("content"))
        if block.get("is_error"):
            message = error_message(output)
            yield ToolError(call_id, tool, message, message)
            return
        metadata = result_metadata(call.tool, call.arguments, structured)
        yield ToolResult(call_id, tool, output, call.title, metadata)


def error_message(output: str) -> str:
    """Strip the tags that the CLI puts around a tool's own errors."""
    return output.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>").strip()


def _blocks(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, Mapping))
