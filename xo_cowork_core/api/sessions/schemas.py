"""How sessions' and messages' answers look: models for the OpenAPI document alone.

`wire` makes the answers; nothing is checked against these at run time.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from xo_cowork_core.api.sessions.serializers import message_row, session_row
from xo_cowork_core.sdk import Message, StepPart, TextPart, Tokens, ToolPart
from xo_cowork_core.services.index.queries import Session

Row = dict[str, Any]
SESSION_ID = "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TOKENS = Tokens(input=48, output=30)
SESSION: Row = session_row(
    Session(SESSION_ID, "demo", "garden", "/home/ann/xo-projects/garden", "Say hello", NOW, NOW, 2)
)
TOOL = ToolPart(
    "c1", "read", {"file_path": "PLAN.md"}, "completed", "# Plan", "Read PLAN.md", {}, NOW, NOW
)
MESSAGES: list[Row] = [
    message_row(Message("5f0c2a0e-u", "user", (TextPart("Say hello"),), NOW), SESSION_ID),
    message_row(
        Message(
            "5f0c2a0e-a",
            "assistant",
            (TOOL, TextPart("Hello!"), StepPart("stop", TOKENS, 0.01)),
            NOW,
            "demo",
            "demo",
            TOKENS,
            0.01,
            "stop",
        ),
        SESSION_ID,
    ),
]


def answer(model: Any, example: Any) -> dict[int | str, Row]:
    """An answer's `responses` for the document. Its handler returns plain objects."""
    return {200: {"model": model, "content": {"application/json": {"example": example}}}}


class SessionRow(BaseModel):
    """One session, in both field sets."""

    model_config = ConfigDict(json_schema_extra={"example": SESSION})
    id: str
    session_id: str
    title: str
    agent_name: str
    agent_id: str | None
    agent: str
    directory: str | None
    message_count: int
    updated_at: str
    time_updated: str
    time_created: str
    is_pinned: bool
    project_id: str | None
    parent_id: str | None
    slug: str | None
    version: int
    summary_additions: int
    summary_deletions: int
    summary_files: int
    summary_diffs: list[JsonValue]
    permission: dict[str, JsonValue]
    time_compacting: str | None
    time_archived: str | None


class ChangedSession(SessionRow):
    """The session after a change."""

    model_config = ConfigDict(json_schema_extra={"example": {**SESSION, "ok": True}})
    ok: bool


class FoundSession(SessionRow):
    """A session with the place that matched: escaped HTML, the match in `<mark>`."""

    model_config = ConfigDict(
        json_schema_extra={"example": {**SESSION, "snippet": "Say <mark>hello</mark>"}}
    )
    snippet: str


class SessionHit(BaseModel):
    """The same in the wire style `spa`."""

    session: SessionRow
    snippet: str


class SessionPage(BaseModel):
    """A page of sessions, newest first."""

    total: int
    offset: int
    sessions: list[SessionRow]


class FoundPage(BaseModel):
    """A page of what a search found, best first."""

    total: int
    offset: int
    sessions: list[FoundSession]


class TokenCounts(BaseModel):
    """Tokens of a model call, a turn or a window."""

    input: int
    output: int
    reasoning: int
    cache_read: int
    cache_write: int


class TextData(BaseModel):
    """Text, or thinking."""

    type: Literal["text", "reasoning"]
    text: str


class ToolState(BaseModel):
    """How far a tool call is; `output` is what it gave, or why it failed."""

    status: Literal["pending", "running", "completed", "error"]
    input: dict[str, JsonValue]
    output: str
    title: str
    metadata: dict[str, JsonValue]
    time_start: str | None
    time_end: str | None


class ToolData(BaseModel):
    """A tool call with its result."""

    type: Literal["tool"]
    tool: str
    call_id: str
    state: ToolState


class FileData(BaseModel):
    """A file that came with a prompt."""

    type: Literal["file"]
    name: str
    path: str
    file_id: str
    size: int
    mime_type: str


class StepData(BaseModel):
    """One model call ended."""

    type: Literal["step-finish"]
    reason: str
    tokens: TokenCounts
    cost: float | None


class PartRow(BaseModel):
    """One part of a message. More types may come."""

    id: str
    message_id: str
    session_id: str
    time_created: str
    data: TextData | ToolData | FileData | StepData


class MessageData(BaseModel):
    """Who said it; all but `role` stand in an assistant's message alone."""

    role: Literal["user", "assistant"]
    model_id: str | None = None
    provider_id: str | None = None
    cost: float | None = None
    tokens: TokenCounts | None = None
    finish: Literal["stop", "tool_use", "length", "error"] | None = None
    error: str | None = None


class MessageRow(BaseModel):
    """One message, with its parts and the flat fields beside them."""

    id: str
    session_id: str
    role: Literal["user", "assistant"]
    text: str
    tool_calls: list[ToolData]
    timestamp: str
    time_created: str
    data: MessageData
    parts: list[PartRow]


class MessagePage(BaseModel):
    """A page of messages, oldest first."""

    total: int
    offset: int
    messages: list[MessageRow]
