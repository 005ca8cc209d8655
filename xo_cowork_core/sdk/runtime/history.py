"""Records of a stored conversation: a session, its messages and their parts."""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias

from xo_cowork_core.sdk.events.base import Json, JsonValue, Tokens
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

__all__ = [
    "CompactionPart",
    "FilePart",
    "Finish",
    "Message",
    "Part",
    "ReasoningPart",
    "Role",
    "SessionRecord",
    "StepPart",
    "TextPart",
    "ToolPart",
    "ToolStatus",
]

Role: TypeAlias = Literal["user", "assistant"]
Finish: TypeAlias = Literal["stop", "tool_use", "length", "error"]
ToolStatus: TypeAlias = Literal["pending", "running", "completed", "error"]


@frozen_dataclass
class SessionRecord:
    """One session in a runtime's store.

    Times have a UTC offset. `directory` is absolute, None when unknown. A store that doesn't count
    messages gives a `message_count` of 0; the host then counts them.
    """

    session_id: str
    title: str
    directory: str | None
    message_count: int
    time_created: datetime
    time_updated: datetime


@frozen_dataclass
class TextPart:
    """Text of a message, in Markdown."""

    text: str


@frozen_dataclass
class ReasoningPart:
    """Reasoning text of the model."""

    text: str


@frozen_dataclass
class ToolPart:
    """A tool call and its result. `tool` and `input` have the names of `ToolCall`.

    `status` is `pending` (not started), `running`, `completed` or `error`. `metadata`
    is that of `ToolResult`. Times are None when the store does not have them.
    """

    call_id: str
    tool: str
    input: Json = field(default_factory=dict[str, JsonValue])
    status: ToolStatus = "pending"
    output: str = ""
    title: str = ""
    metadata: Json = field(default_factory=dict[str, JsonValue])
    time_start: datetime | None = None
    time_end: datetime | None = None


@frozen_dataclass
class FilePart:
    """A file attached to a message. `path` is absolute, `size` in bytes."""

    name: str
    path: str
    file_id: str = ""
    size: int = 0
    mime_type: str = ""


@frozen_dataclass
class StepPart:
    """The end of one model call. `cost` is in US dollars, None when unknown."""

    reason: str
    tokens: Tokens
    cost: float | None = None


@frozen_dataclass
class CompactionPart:
    """The agent shortened the conversation here."""


Part: TypeAlias = TextPart | ReasoningPart | ToolPart | FilePart | StepPart | CompactionPart


@frozen_dataclass
class Message:
    """One message of a session.

    `role` is `user` or `assistant`. The fields from `model_id` on belong to assistant messages and
    are None on a user's. `cost` is in US dollars. `finish` is `stop`, `tool_use` (the turn goes on
    in the next message), `length` or `error`; `error` is the text of the failure that ended it.
    """

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
