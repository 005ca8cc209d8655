"""Living rows as messages: results attached to their calls, usage counted once per answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import (
    Finish,
    Json,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    Tokens,
    ToolPart,
)
from xo_runtime_claude.blocks import error_message
from xo_runtime_claude.rows import Row
from xo_runtime_claude.tasks import TASK_TOOLS, Tasks
from xo_runtime_claude.tools import normal_name, output_text, result_metadata, title_of
from xo_runtime_claude.usage import call_tokens

FINISHES: Mapping[str, Finish] = MappingProxyType(
    {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_use", "max_tokens": "length"}
)


@dataclass(slots=True)
class Draft:
    """An assistant's message while its rows come. `text_only`: no other part is made, and what
    they add up to isn't known."""

    first: Row
    text_only: bool
    parts: list[Part] = field(default_factory=list[Part])
    calls: "dict[str, Call]" = field(default_factory=dict)
    tokens: Tokens | None = None
    model: str | None = None
    finish: Finish | None = None
    error: str | None = None
    answer: str = ""
    usage: object = None

    def close_step(self) -> None:
        """End the model's answer that is open: each repeats its usage in every row."""
        if self.usage:
            step = StepPart(self.finish or "stop", call_tokens(self.usage))
            self.parts.append(step)
            self.tokens = self.tokens + step.tokens if self.tokens else step.tokens
            self.usage = None

    def message(self) -> Message:
        """Close it."""
        self.close_step()
        return Message(
            id=self.first.id,
            role="assistant",
            parts=tuple(self.parts),
            time_created=self.first.time,
            model_id=self.model,
            provider_id="anthropic",
            tokens=self.tokens,
            finish=self.finish,
            error=self.error,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """Where a tool call's part is. `tool` is the CLI's own name."""

    place: int
    tool: str
    arguments: Mapping[str, Any]


def messages_of(rows: Sequence[Row], *, text_only: bool = False) -> list[Message]:
    """Turn living rows into messages, oldest first; `text_only` costs half."""
    messages: list[Message] = []
    draft: Draft | None = None
    tasks = Tasks()
    for row in rows:
        prompt = row.prompt
        if prompt:
            if draft:
                messages.append(draft.message())
                draft = None
            files = () if text_only else row.files
            messages.append(Message(row.id, "user", (TextPart(prompt), *files), row.time))
        elif row.kind == "assistant":
            blocks = row.blocks
            if blocks:
                draft = draft or Draft(row, text_only)
                _add(draft, row, blocks)
        elif told := row.told:
            draft = draft or Draft(row, text_only)
            draft.parts.append(TextPart(told))
        elif row.kind == "user" and draft and not text_only:
            _attach(draft, row, tasks)
    if draft:
        messages.append(draft.message())
    return messages


def _add(draft: Draft, row: Row, blocks: Sequence[Mapping[str, Any]]) -> None:
    message = row.message
    if row.record.get("isApiErrorMessage"):
        draft.error = output_text(message.get("content"))
        draft.finish = "error"
        return
    if draft.text_only:
        draft.parts += [TextPart(text) for block in blocks if (text := _text(block))]
        return
    identity, model, reason = message.get("id"), message.get("model"), message.get("stop_reason")
    if identity != draft.answer:
        draft.close_step()
        draft.answer = str(identity)
    if isinstance(model, str) and model != "<synthetic>":
        draft.model = model
    for block in blocks:
        _add_block(draft, row, block)
    if isinstance(reason, str):
        draft.finish = FINISHES.get(reason, "stop")
    draft.usage = message.get("usage") or draft.usage


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if block.get("type") == "text" and isinstance(text, str) else ""


def _add_block(draft: Draft, row: Row, block: Mapping[str, Any]) -> None:
    kind = str(block.get("type"))
    text, thinking = _text(block), block.get("thinking")
    if text:
        draft.parts.append(TextPart(text))
    elif kind == "thinking" and isinstance(thinking, str) and thinking:
        draft.parts.append(ReasoningPart(thinking))
    elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
        call_id, tool, raw = str(block.get("id")), str(block.get("name")), block.get("input")
        arguments = raw if isinstance(raw, dict) else {}
        draft.calls[call_id] = Call(len(draft.parts), tool, arguments)
        draft.parts.append(
            ToolPart(
                call_id=call_id,
                tool=normal_name(tool),
                input=arguments,
                title=title_of(tool, arguments),
                time_start=row.time,
            )
        )


def _attach(draft: Draft, row: Row, tasks: Tasks) -> None:
    for block in row.blocks:
        if block.get("type") != "tool_result":
            continue
        call = draft.calls.get(str(block.get("tool_use_id")))
        if call is None:
            continue
        part = draft.parts[call.place]
        if not isinstance(part, ToolPart):
            continue
        output = output_text(block.get("content"))
        failed, result = bool(block.get("is_error")), row.record.get("toolUseResult")
        draft.parts[call.place] = replace(
            part,
            status="error" if failed else "completed",
            output=error_message(output) if failed else output,
            metadata={} if failed else _metadata(call, result, tasks),
            time_end=row.time,
        )


def _metadata(call: Call, result: object, tasks: Tasks) -> Json:
    if call.tool in TASK_TOOLS:
        return tasks.change(call.tool, call.arguments, result)
    return result_metadata(call.tool, call.arguments, result)
