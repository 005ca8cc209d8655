"""Build messages from transcript records of the gateway, its database or its old files.

A record is `{role: user|assistant|toolResult, content, timestamp, usage, …}`; the records after a
user's record, up to the next one, make one message of the assistant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePath

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.kit import strip_context
from xo_cowork_core.sdk.runtime.history import (
    FilePart,
    Finish,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_runtime_openclaw.gateway.frames import Row, row, rows, text_of
from xo_runtime_openclaw.run import tools
from xo_runtime_openclaw.run.failures import clean
from xo_runtime_openclaw.run.usage import REASONS, cost_of, tokens_of

RESUMED = "[System] Your previous turn was interrupted"
FILES_MARK = "\n\nAttached files:\n"
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class _AssistantDraft:
    """The assistant's message while its records are read."""

    id: str
    created: datetime
    parts: list[Part] = field(default_factory=list[Part])
    tokens: Tokens | None = None
    cost: float | None = None
    model: str | None = None
    provider: str | None = None
    finish: Finish = "stop"
    error: str | None = None

    def message(self) -> Message:
        return Message(
            id=self.id,
            role="assistant",
            parts=tuple(self.parts),
            time_created=self.created,
            model_id=self.model,
            provider_id=self.provider,
            tokens=self.tokens,
            cost=self.cost,
            finish=self.finish,
            error=self.error,
        )


def messages_of(records: Iterable[Row]) -> list[Message]:
    """Build messages from records, oldest first; malformed ones are skipped."""
    messages: list[Message] = []
    draft: _AssistantDraft | None = None
    for index, record in enumerate(records):
        match record.get("role"):
            case "user":
                if draft:
                    messages.append(draft.message())
                    draft = None
                if (user := _user(record, index)) is not None:
                    messages.append(user)
            case "assistant":
                draft = draft or _AssistantDraft(f"{_id(record, index)}:a", time_of(record))
                _add_record(draft, record)
            case "toolResult" if draft:
                _close_tool(draft, record)
    if draft:
        messages.append(draft.message())
    return messages


def time_of(record: Row, key: str = "timestamp") -> datetime:
    """Return a time: milliseconds since 1970, or ISO 8601."""
    value = record.get(key)
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return EPOCH


def shown_text(text: str) -> str:
    """Return the text that the user wrote, without context and file list."""
    return _with_mark(strip_context(text)).split(FILES_MARK, maxsplit=1)[0]


def _with_mark(text: str) -> str:
    """Return a text with the whole mark: of a prompt of files alone, the blank line is trimmed."""
    return f"\n\n{text}" if text.startswith(FILES_MARK.lstrip()) else text


def _user(record: Row, index: int) -> Message | None:
    content = record.get("content")
    text = content if isinstance(content, str) else "\n".join(_texts(content))
    if text.startswith(RESUMED):
        # the gateway's own message, after it was killed
        return None
    parts: list[Part] = [TextPart(shown_text(text))]
    parts += [
        FilePart(text_of(block.get("fileName")) or "image", "", mime_type=_mime(block))
        for block in rows(content)
        if block.get("type") == "image"
    ]
    parts += _listed(text)
    return Message(_id(record, index), "user", tuple(parts), time_of(record))


def _listed(text: str) -> list[FilePart]:
    """Return the files that a prompt lists after its text."""
    text = _with_mark(text)
    lines = text.rpartition(FILES_MARK)[2].splitlines() if FILES_MARK in text else []
    paths = [line.removeprefix("- ") for line in lines if line.startswith("- /")]
    return [FilePart(PurePath(path).name, path) for path in paths]


def _add_record(draft: _AssistantDraft, record: Row) -> None:
    for block in _blocks(record.get("content")):
        if part := _part(block, time_of(record)):
            draft.parts.append(part)
    usage = row(record.get("usage"))
    if usage:
        tokens, cost = tokens_of(usage), cost_of(usage)
        draft.tokens = tokens + (draft.tokens or Tokens())
        draft.cost = cost if draft.cost is None else draft.cost + (cost or 0.0)
        draft.model = text_of(record.get("model")) or draft.model
        draft.provider = text_of(record.get("provider")) or draft.provider
        reason = REASONS.get(str(record.get("stopReason")), "stop")
        draft.parts.append(StepPart(reason, tokens, cost))
        draft.finish = "stop" if reason == "tool_use" else reason
    if record.get("stopReason") == "error":
        error_text = text_of(record.get("errorMessage")) or " ".join(_texts(record.get("content")))
        draft.error = clean(error_text) or "OpenClaw could not finish the turn"
        draft.finish = "error"


def _part(block: Row, when: datetime) -> Part | None:
    match block.get("type"):
        case "text" if text := text_of(block.get("text")):
            return TextPart(text)
        case "thinking" if text := text_of(block.get("thinking") or block.get("text")):
            return ReasoningPart(text)
        case "toolCall":
            name = text_of(block.get("name")) or "tool"
            arguments = tools.normal_arguments(name, row(block.get("arguments")))
            return ToolPart(
                call_id=str(block.get("id")),
                tool=tools.normal_name(name),
                input=arguments,
                status="running",
                title=tools.title_of(name, arguments),
                time_start=when,
            )
        case _:
            return None


def _close_tool(draft: _AssistantDraft, record: Row) -> None:
    for index in range(len(draft.parts) - 1, -1, -1):
        part = draft.parts[index]
        if isinstance(part, ToolPart) and part.call_id == record.get("toolCallId"):
            draft.parts[index] = replace(
                part,
                status="error" if record.get("isError") is True else "completed",
                output=tools.output_of(record.get("content")),
                metadata=tools.metadata_of(part.tool, part.input, row(record.get("details"))),
                time_end=time_of(record),
            )
            return


def _blocks(content: object) -> list[Row]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else rows(content)


def _texts(content: object) -> list[str]:
    return [text_of(b.get("text")) for b in _blocks(content) if b.get("type") == "text"]


def _id(record: Row, index: int) -> str:
    record_id = row(record.get("__openclaw")).get("id") or record.get("id")
    return record_id if isinstance(record_id, str) and record_id else f"record-{index}"


def _mime(block: Row) -> str:
    return text_of(block.get("mimeType"))
