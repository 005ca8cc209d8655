"""A stored conversation, as the runtimes' own stores tell it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from xo_cowork_core.sdk.events.base import Json, JsonValue, Tokens

Role: TypeAlias = Literal["user", "assistant"]
Finish: TypeAlias = Literal["stop", "tool_use", "length", "error"]
ToolStatus: TypeAlias = Literal["pending", "running", "completed", "error"]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session in a runtime's store. Times carry an offset; `directory` is absolute or None;
    a `message_count` of 0 where the store doesn't count is made good from its messages."""

    session_id: str
    title: str
    directory: str | None
    message_count: int
    time_created: datetime
    time_updated: datetime


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text of a message."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """Thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolPart:
    """A tool call with its result attached. `tool` is normalised as in `ToolCall`."""

    call_id: str
    tool: str
    input: Json = field(default_factory=dict[str, JsonValue])
    status: ToolStatus = "pending"
    output: str = ""
    title: str = ""
    metadata: Json = field(default_factory=dict[str, JsonValue])
    time_start: datetime | None = None
    time_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file that came with a message; `size` in bytes."""

    name: str
    path: str
    file_id: str = ""
    size: int = 0
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class StepPart:
    """The end of one model call."""

    reason: str
    tokens: Tokens
    cost: float | None = None


Part: TypeAlias = TextPart | ReasoningPart | ToolPart | FilePart | StepPart


@dataclass(frozen=True, slots=True)
class Message:
    """One message, oldest first in a list. Assistant fields are None on a user's message."""

    id: str
    role: Role
    parts: Sequence[Part]
    time_created: datetime
    model_id: str | None = None
    provider_id: str | None = None
    tokens: Tokens | None = None
    cost: float | None = None
    finish: Finish | None = None
    error: str | None = None
