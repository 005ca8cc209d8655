"""Build messages from the rows of a rollout: one user and one assistant message per turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from xo_cowork_core.sdk import Tokens, ToolError
from xo_cowork_core.sdk.runtime.history import (
    Finish,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_runtime_codex.history.rollouts import EPOCH, Row
from xo_runtime_codex.protocol.attachments import files_in, user_text
from xo_runtime_codex.protocol.failures import turn_failure
from xo_runtime_codex.protocol.item_shapes import server_shape, texts_of
from xo_runtime_codex.protocol.tools import tool_of
from xo_runtime_codex.protocol.usage import tokens_of
from xo_runtime_codex.run.translator import reasoning_text

ENDS = frozenset({"task_complete", "turn_complete", "turn_aborted"})


@dataclass(slots=True)
class AssistantDraft:
    """The assistant's message of one turn while its rows are read."""

    turn_id: str
    time: datetime
    model: str | None
    provider: str | None
    parts: list[Part] = field(default_factory=list[Part])
    tokens: Tokens | None = None
    step: Tokens | None = None
    tool: bool = False
    ended: bool = False
    finish: Finish | None = None
    error: str | None = None

    @property
    def has_content(self) -> bool:
        """True when the message has a part, usage or an error."""
        return bool(self.parts or self.step or self.error)

    def add(self, part: Part) -> None:
        """Add a part. The first part that is not a tool ends the step.

        Codex stores a model call before the tools that it requested.
        """
        if isinstance(part, ToolPart):
            self.tool = True
        else:
            self.close_step()
        self.parts.append(part)

    def add_usage(self, tokens: Tokens) -> None:
        """Add a model call's usage."""
        self.close_step()
        self.tokens = (self.tokens or Tokens()) + tokens
        self.step = tokens

    def close_step(self) -> None:
        """End the open step, if there is one."""
        self.parts += self._open_step()
        if self.step:
            self.step, self.tool = None, False

    def _open_step(self) -> list[Part]:
        return [StepPart("tool_use" if self.tool else "stop", self.step)] if self.step else []

    def message(self) -> Message:
        """Return the message as it is now."""
        return Message(
            id=f"{self.turn_id}-a",
            role="assistant",
            parts=(*self.parts, *self._open_step()),
            time_created=self.time,
            model_id=self.model,
            provider_id=self.provider,
            tokens=self.tokens,
            finish=self.finish,
            error=self.error,
        )


@dataclass(slots=True)
class ModelCall:
    """One model call and the tools that it requested."""

    time: datetime
    model: str | None
    provider: str | None
    tokens: Tokens
    tools: list[str]


class MessageBuilder:
    """Builds the messages of a session from its rows.

    `turns` maps user messages to the turns that they started, `calls` response ids to model calls.
    """

    def __init__(self) -> None:
        self.turns: dict[str, str] = {}
        self.calls: dict[str, ModelCall] = {}
        self._model: str | None = None
        self._provider: str | None = None
        self._draft: AssistantDraft | None = None
        self._closed: list[Message] = []
        # tools of the latest call: a call is stored before the tools that it requested
        self._tools: list[str] = []

    @property
    def messages(self) -> list[Message]:
        """All messages so far, the unfinished one last."""
        draft = self._draft
        return [*self._closed, *([draft.message()] if draft and draft.has_content else [])]

    def feed(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        for row in rows:
            self._add_row(row)

    def restart_calls(self) -> None:
        """Drop the model calls so far; later ones are counted from here."""
        self.calls = {}
        self._tools = []

    def _add_row(self, row: Row) -> None:
        body = row.body
        if row.kind == "session_meta":
            self._provider = _text(body.get("model_provider"))
        elif row.kind == "turn_context":
            self._model = _text(body.get("model"))
            if self._draft:
                self._draft.model = self._model
        elif row.kind == "token_usage_record":
            self._add_usage(row, body)
        elif body.get("type") == "item_completed":
            self._item(row, body)
        elif _text(body.get("type")) in ENDS and self._draft:
            self._end(self._draft, body)

    def _item(self, row: Row, body: Mapping[str, Any]) -> None:
        raw, turn_id = body.get("item"), str(body.get("turn_id"))
        if not isinstance(raw, Mapping):
            return
        item = server_shape(raw)
        if item["type"] == "userMessage":
            self._add_user_message(row, item, turn_id)
            return
        draft = self._draft
        if draft is None or draft.turn_id != turn_id:
            self._close()
            draft = self._draft = AssistantDraft(turn_id, row.time, self._model, self._provider)
        part = _part(item, row.time, body)
        if part:
            draft.add(part)
            if isinstance(part, ToolPart):
                self._tools.append(part.tool)

    def _add_user_message(self, row: Row, item: Mapping[str, Any], turn_id: str) -> None:
        if self._draft is None or self._draft.turn_id != turn_id:
            self._close()
            self._draft = AssistantDraft(turn_id, row.time, self._model, self._provider)
        content = item.get("content")
        full_text = texts_of(content)
        text = user_text(full_text)
        parts: list[Part] = [TextPart(text)] if text else []
        parts += files_in(full_text, content)
        if parts:
            identity = str(item.get("id"))
            self.turns[identity] = turn_id
            self._closed.append(Message(identity, "user", tuple(parts), row.time))

    def _add_usage(self, row: Row, body: Mapping[str, Any]) -> None:
        if not isinstance(body.get("usage"), dict):
            return
        used = tokens_of(body["usage"])
        self._count(row, used)
        draft = self._draft
        if draft is None or draft.turn_id != body.get("turn_id"):
            return
        draft.add_usage(used)

    def _count(self, row: Row, used: Tokens) -> None:
        key = _text(row.body.get("response_id")) or f"{row.body.get('turn_id')}:{row.ordinal}"
        # tools before the first call belong to it: the row of their own call is missing
        tools = [] if self.calls else self._tools
        self.calls[key] = ModelCall(row.time, self._model, self._provider, used, tools)
        self._tools = tools

    def _end(self, draft: AssistantDraft, body: Mapping[str, Any]) -> None:
        if body.get("turn_id") is not None and body["turn_id"] != draft.turn_id:
            return
        draft.ended = True
        draft.finish = "stop"
        if body.get("error"):
            draft.finish = "error"
            draft.error = turn_failure(body["error"]).message

    def _close(self) -> None:
        if self._draft and self._draft.has_content:
            self._closed.append(self._draft.message())
        self._draft = None


def _part(item: Mapping[str, Any], time: datetime, body: Mapping[str, Any]) -> Part | None:
    match item.get("type"):
        case "agentMessage" | "plan":
            text = str(item.get("text") or "")
            return TextPart(text) if text else None
        case "reasoning":
            reasoning = reasoning_text(item)
            return ReasoningPart(reasoning) if reasoning else None
    tool = tool_of(item)
    if tool is None:
        return None
    end = tool.end
    failed = isinstance(end, ToolError)
    return ToolPart(
        call_id=tool.call_id,
        tool=tool.name,
        input=tool.arguments,
        status="error" if failed else "completed",
        output=tool.output or tool.error,
        title=tool.title,
        metadata=tool.metadata,
        time_start=_time_from_ms(body.get("started_at_ms"), time),
        time_end=_time_from_ms(body.get("completed_at_ms"), time),
    )


def _time_from_ms(value: object, fallback: datetime) -> datetime:
    if isinstance(value, int) and value > 0:
        return datetime.fromtimestamp(value / 1000, UTC)
    return fallback if fallback > EPOCH else EPOCH


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
