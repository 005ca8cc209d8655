"""Reads one session file as it grows: its rows, messages and usage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk.kit import title_from_text
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.transcripts import Transcript, UsageRecord
from xo_runtime_claude.history.history_messages import build_messages
from xo_runtime_claude.history.rows import EPOCH, Row, active_branch, parse_line
from xo_runtime_claude.tools import normal_name
from xo_runtime_claude.usage import call_tokens

SYNTHETIC = "<synthetic>"
SUBAGENTS = "subagents"


@dataclass(slots=True)
class _ModelCall:
    """One model call: its last row has the final figures, each row its own tools."""

    row: Row
    tools: list[str]


class ClaudeTranscript(Transcript):
    """A file of `projects/`. A subagent's file has no session of its own: its calls count to the
    session whose folder it lies in."""

    def __init__(self, path: Path) -> None:
        self._session_id = path.stem
        self._parent = path.parent.parent.name if path.parent.name == SUBAGENTS else ""
        self._rows: dict[str, Row] = {}
        self._sidechain_ids: set[str] = set()
        self._calls: dict[str, _ModelCall] = {}
        self._outline: list[Message] | None = None
        self._last_time = EPOCH
        self._directory: str | None = None

    def feed(self, lines: Iterable[bytes]) -> None:
        self._outline = None
        for line in lines:
            row = parse_line(line)
            if row is None or row.id in self._rows or row.id in self._sidechain_ids:
                continue
            if row.kind == "assistant":
                self._count(row)
            if row.record.get("isSidechain"):
                self._sidechain_ids.add(row.id)
            else:
                self._keep(row)

    def messages(self) -> Sequence[Message]:
        return build_messages(self._active_rows())

    def outline(self) -> Sequence[Message]:
        if self._outline is None:
            self._outline = build_messages(self._active_rows(), text_only=True)
        return self._outline

    def record(self) -> SessionRecord | None:
        messages = self.outline()
        if not messages:
            return None
        times = [message.time_created for message in messages if message.time_created > EPOCH]
        created = min(times, default=EPOCH)
        return SessionRecord(
            session_id=self._session_id,
            title=title_from_text(messages),
            directory=self._directory,
            message_count=len(messages),
            time_created=created,
            time_updated=max(self._last_time, created),
        )

    def usage(self) -> Sequence[UsageRecord]:
        session_id = self._parent or self._session_id
        return [_usage(key, call, session_id) for key, call in self._calls.items()]

    def _active_rows(self) -> Sequence[Row]:
        return () if self._parent else active_branch(list(self._rows.values()))

    def _keep(self, row: Row) -> None:
        self._rows[row.id] = row
        self._last_time = max(self._last_time, row.time)
        if self._directory is None:
            cwd = row.record.get("cwd")
            self._directory = cwd if isinstance(cwd, str) and cwd.startswith("/") else None

    def _count(self, row: Row) -> None:
        message = row.message
        if not isinstance(message.get("usage"), dict) or message.get("model") == SYNTHETIC:
            return
        key = f"{message.get('id') or row.id}:{row.record.get('requestId') or ''}"
        known = self._calls.get(key)
        tools = _tools(row)
        self._calls[key] = _ModelCall(row, known.tools + tools if known else tools)


def _usage(key: str, call: _ModelCall, session_id: str) -> UsageRecord:
    message = call.row.message
    return UsageRecord(
        key=key,
        time=call.row.time,
        model_id=str(message.get("model") or "unknown"),
        provider_id="anthropic",
        tokens=call_tokens(message["usage"]),
        tools=tuple(call.tools),
        session_id=session_id,
    )


def _tools(row: Row) -> list[str]:
    return [normal_name(str(b.get("name"))) for b in row.blocks if b.get("type") == "tool_use"]
