"""One session file while it grows: rows kept, messages and usage made of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xo_cowork_core.sdk import Message, SessionRecord, TextPart
from xo_cowork_core.sdk.transcripts import Transcript, UsageRecord
from xo_runtime_claude.hydrate import messages_of
from xo_runtime_claude.rows import EPOCH, Row, living, parse_line
from xo_runtime_claude.tools import normal_name
from xo_runtime_claude.usage import call_tokens

TITLE_CHARACTERS = 80
UNTITLED = "New session"
SYNTHETIC = "<synthetic>"
SUBAGENTS = "subagents"


class ClaudeTranscript(Transcript):
    """A file of `projects/`. A subagent's file has no session of its own: its calls are counted
    to the session whose folder it lies in."""

    def __init__(self, path: Path) -> None:
        self._session_id = path.stem
        self._parent = path.parent.parent.name if path.parent.name == SUBAGENTS else ""
        self._rows: dict[str, Row] = {}
        self._calls: dict[str, UsageRecord] = {}
        self._messages: list[Message] | None = None

    def feed(self, lines: Iterable[bytes]) -> None:
        self._messages = None
        for line in lines:
            row = parse_line(line)
            if row is None:
                continue
            self._count(row)
            if not row.record.get("isSidechain"):
                self._rows.setdefault(row.id, row)

    def messages(self) -> Sequence[Message]:
        if self._messages is None:
            rows = list(self._rows.values())
            self._messages = [] if self._parent else messages_of(living(rows))
        return self._messages

    def record(self) -> SessionRecord | None:
        messages = self.messages()
        if not messages:
            return None
        rows = self._rows.values()
        times = [message.time_created for message in messages if message.time_created > EPOCH]
        last = max((row.time for row in rows), default=EPOCH)
        directory = next((str(cwd) for row in rows if (cwd := row.record.get("cwd"))), None)
        created = min(times, default=EPOCH)
        return SessionRecord(
            session_id=self._session_id,
            title=title_of(messages),
            directory=directory,
            message_count=len(messages),
            time_created=created,
            time_updated=max(last, created),
        )

    def usage(self) -> Sequence[UsageRecord]:
        return list(self._calls.values())

    def _count(self, row: Row) -> None:
        message = row.message
        usage, model = message.get("usage"), message.get("model")
        if row.kind != "assistant" or not isinstance(usage, Mapping) or model == SYNTHETIC:
            return
        identity = message.get("id") or row.id
        key = f"{identity}:{row.record.get('requestId') or ''}"
        before = self._calls.get(key)
        tools = [normal_name(str(block.get("name"))) for block in _tool_uses(row)]
        self._calls[key] = UsageRecord(
            key=key,
            time=row.time if row.time > EPOCH else datetime.fromtimestamp(0, UTC),
            model_id=str(model or "unknown"),
            provider_id="anthropic",
            tokens=call_tokens(usage),
            tools=(*(before.tools if before else ()), *tools),
            session_id=self._parent or self._session_id,
        )


def _tool_uses(row: Row) -> list[Mapping[str, Any]]:
    return [block for block in row.blocks if block.get("type") == "tool_use"]


def title_of(messages: Sequence[Message]) -> str:
    """Return the first words of the first thing that a person said."""
    for message in messages:
        part = message.parts[0] if message.parts else None
        if message.role == "user" and isinstance(part, TextPart):
            line = " ".join(part.text.split())
            return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"
    return UNTITLED
