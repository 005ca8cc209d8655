"""Messages from active rows: results attached to their calls, usage counted once per answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from xo_cowork_core.sdk import Json, Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.runtime.history import (
    Finish,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_runtime_claude.history.rows import Row
from xo_runtime_claude.history.task_list import TASK_TOOLS, TaskList
from xo_runtime_claude.tools import (
    error_message,
    normal_name,
    output_text,
    result_metadata,
    title_of,
)
from xo_runtime_claude.usage import call_tokens

FINISHES: Mapping[str, Finish] = MappingProxyType(
    {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_use", "max_tokens": "length"}
)


@dataclass(slots=True)
class MessageDraft:
    """An assistant's message that is being assembled. With `text_only` it gets no other parts, no
    tokens and no finish."""

    first: Row
    text_only: bool
    parts: list[Part] = field(default_factory=list[Part])
    calls: "dict[str, ToolCallPlace]" = field(default_factory=dict)
    tokens: Tokens | None = None
    model: str | None = None
    finish: Finish | None = None
    error: str | None = None
    answer: str = ""
    usage: object = None

    def close_step(self) -> None:
        """Close the open model call: its rows all repeat its usage."""
        if self.usage:
            step = StepPart(self.finish or "stop", call_tokens(self.usage))
            self.parts.append(step)
            self.tokens = self.tokens + step.tokens if self.tokens else step.tokens
            self.usage = None

    def message(self) -> Message:
        """Return the finished message."""
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


@frozen_dataclass
class ToolCallPlace:
    """The index of a tool call's part. `tool` is the CLI's own name."""

    index: int
    tool: str
    arguments: Mapping[str, Any]


def build_messages(rows: Sequence[Row], *, text_only: bool = False) -> list[Message]:
    """Return the messages of active rows, oldest first; `text_only` costs half."""
    messages: list[Message] = []
    draft: MessageDraft | None = None
    tasks = TaskList()
    for row in rows:
        prompt = row.prompt
        if prompt is not None:
            if draft:
                messages.append(draft.message())
                draft = None
            files = () if text_only else row.files
            messages.append(Message(row.id, "user", (TextPart(prompt), *files), row.time))
        elif row.kind == "assistant":
            blocks = row.blocks
            if blocks:
                draft = draft or MessageDraft(row, text_only)
                _add_answer(draft, row, blocks)
        elif output := row.command_output:
            draft = draft or MessageDraft(row, text_only)
            draft.parts.append(TextPart(output))
        elif row.kind == "user" and draft and not text_only:
            _attach_results(draft, row, tasks)
    if draft:
        messages.append(draft.message())
    return messages


def _add_answer(draft: MessageDraft, row: Row, blocks: Sequence[Mapping[str, Any]]) -> None:
    message = row.message
    if row.record.get("isApiErrorMessage"):
        draft.error = output_text(message.get("content"))
        draft.finish = "error"
        return
    if draft.text_only:
        draft.parts += [TextPart(text) for block in blocks if (text := _text_of(block))]
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


def _text_of(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if block.get("type") == "text" and isinstance(text, str) else ""


def _add_block(draft: MessageDraft, row: Row, block: Mapping[str, Any]) -> None:
    kind = str(block.get("type"))
    text, thinking = _text_of(block), block.get("thinking")
    if text:
        draft.parts.append(TextPart(text))
    elif kind == "thinking" and isinstance(thinking, str) and thinking:
        draft.parts.append(ReasoningPart(thinking))
    elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
        call_id, tool, raw = str(block.get("id")), str(block.get("name")), block.get("input")
        arguments = raw if isinstance(raw, dict) else {}
        draft.calls[call_id] = ToolCallPlace(len(draft.parts), tool, arguments)
        draft.parts.append(
            ToolPart(
                call_id=call_id,
                tool=normal_name(tool),
                input=arguments,
                title=title_of(tool, arguments),
                time_start=row.time,
            )
        )


def _attach_results(draft: MessageDraft, row: Row, tasks: TaskList) -> None:
    for block in row.blocks:
        if block.get("type") != "tool_result":
            continue
        call = draft.calls.get(str(block.get("tool_use_id")))
        if call is None:
            continue
        part = draft.parts[call.index]
        if not isinstance(part, ToolPart):
            continue
        output = output_text(block.get("content"))
        failed, result = bool(block.get("is_error")), row.record.get("toolUseResult")
        draft.parts[call.index] = replace(
            part,
            status="error" if failed else "completed",
            output=error_message(output) if failed else output,
            metadata={} if failed else _metadata(call, result, tasks),
            time_end=row.time,
        )


def _metadata(call: ToolCallPlace, result: object, tasks: TaskList) -> Json:
    if call.tool in TASK_TOOLS:
        return tasks.apply(call.tool, call.arguments, result)
    return result_metadata(call.tool, call.arguments, result)
