"""Assembles the assistant's message from a turn's entries, for runtimes without a store."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from xo_cowork_core.sdk import Tokens
from xo_cowork_core.sdk.runtime.history import (
    CompactionPart,
    Finish,
    Message,
    Part,
    ReasoningPart,
    StepPart,
    TextPart,
    ToolPart,
)
from xo_cowork_core.services.eventlog.batches import Entry, split

Data = Mapping[str, Any]


@dataclass(slots=True)
class MessageAssembler:
    """Collects entries one by one; `message` gives what they amount to.

    The message's time is that of its first entry, never before `prompted_at`.
    """

    message_id: str
    prompted_at: datetime
    _started_at: datetime | None = None
    _parts: list[Part] = field(default_factory=list[Part])
    _run: list[str] = field(default_factory=list[str])
    _run_kind: str = ""
    _end: Data = field(default_factory=dict[str, Any])
    _error: str | None = None

    def add(self, entry: Entry, now: datetime) -> None:
        """Add one entry, which was appended at `now`."""
        name, body = split(entry)
        data: Data = orjson.loads(body)
        match name:
            case "text-delta" | "reasoning-delta":
                self._append_text(name, data["text"])
            case "tool-call":
                self._open_tool(data, now)
            case "tool-update":
                self._update_tool(data)
            case "tool-result" | "tool-error":
                self._close_tool(data, failed=name == "tool-error", now=now)
            case "step-finish" | "compacted":
                self._close_run()
                self._parts.append(_mark(name, data))
            case "desync":
                self._drop_text()
            case "done":
                self._end = data
            case "agent-error":
                self._error = data["error_message"]
            case _:
                return
        if self._started_at is None:
            self._started_at = now

    def message(self) -> Message:
        """Return the message of the entries so far."""
        self._close_run()
        tokens = self._end.get("tokens")
        return Message(
            id=self.message_id,
            role="assistant",
            parts=tuple(self._parts),
            time_created=max(self._started_at or self.prompted_at, self.prompted_at),
            model_id=self._end.get("model_id"),
            provider_id=self._end.get("provider_id"),
            tokens=Tokens(**tokens) if tokens else None,
            cost=self._end.get("cost"),
            finish="error" if self._error else self._finish(),
            error=self._error,
        )

    def _finish(self) -> Finish:
        # the message of an aborted turn counts as complete
        return "length" if self._end.get("finish_reason") == "length" else "stop"

    def _append_text(self, kind: str, text: str) -> None:
        if kind != self._run_kind:
            self._close_run()
            self._run_kind = kind
        self._run.append(text)

    def _close_run(self) -> None:
        if self._run:
            text = "".join(self._run)
            reasoning = self._run_kind == "reasoning-delta"
            self._parts.append(ReasoningPart(text) if reasoning else TextPart(text))
        self._run = []
        self._run_kind = ""

    def _drop_text(self) -> None:
        """Drop all text so far: after a desync only later text counts."""
        self._run = []
        self._parts = [p for p in self._parts if not isinstance(p, TextPart | ReasoningPart)]

    def _open_tool(self, data: Data, now: datetime) -> None:
        self._close_run()
        call = ToolPart(
            call_id=data["call_id"],
            tool=data["tool"],
            input=data["arguments"],
            status="running",
            title=data["title"],
            time_start=now,
        )
        self._parts.append(call)

    def _update_tool(self, data: Data) -> None:
        for position, part in self._tool_parts(data["call_id"]):
            self._parts[position] = replace(
                part,
                input=data.get("arguments", part.input),
                title=data.get("title", part.title),
                output=data.get("output", part.output),
            )

    def _close_tool(self, data: Data, *, failed: bool, now: datetime) -> None:
        for position, part in self._tool_parts(data["call_id"]):
            self._parts[position] = replace(
                part,
                status="error" if failed else "completed",
                output=data["output"] or data.get("error_message", ""),
                metadata=data.get("metadata", {}),
                time_end=now,
            )

    def _tool_parts(self, call_id: str) -> list[tuple[int, ToolPart]]:
        return [
            (position, part)
            for position, part in enumerate(self._parts)
            if isinstance(part, ToolPart) and part.call_id == call_id
        ]


def _mark(name: str, data: Data) -> Part:
    """Return the part that an event leaves between texts."""
    if name == "compacted":
        return CompactionPart()
    return StepPart(data["reason"], Tokens(**data["tokens"]), data.get("cost"))
