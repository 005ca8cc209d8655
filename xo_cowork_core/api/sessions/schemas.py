"""The bodies of sessions and messages. `serializers` builds those that are TypedDicts."""

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import JsonObject, Name, RequestModel
from xo_cowork_core.api.token_counts import TokenCounts

Title: TypeAlias = Annotated[str, Field(max_length=500)]
EXAMPLE_ID = "0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"


class NewSessionRequest(RequestModel):
    """A session to reserve; every field is optional."""

    title: Title | None = Field(default=None, examples=["Plan the week"])
    agent_name: Name | None = None
    agent_id: Name | None = None
    directory: str | None = None


class ReservedSession(TypedDict):
    """An id that the first prompt may use."""

    id: Annotated[str, Field(examples=[EXAMPLE_ID])]
    session_id: Annotated[str, Field(examples=[EXAMPLE_ID])]
    title: Annotated[str, Field(examples=["Plan the week"])]


class SessionPatchRequest(RequestModel):
    """The fields to set; at least one is needed. `directory` "." means none."""

    title: Title | None = Field(default=None, examples=["Plan the week"])
    is_pinned: bool | None = None
    directory: str | None = None


class SessionRow(TypedDict):
    """One session, in both field sets."""

    id: str
    session_id: str
    title: str
    agent_name: str
    backend: str
    agent_id: str | None
    agent: str
    directory: str | None
    message_count: int
    updated_at: str
    time_updated: str
    created_at: str
    time_created: str
    is_pinned: bool
    project_id: str | None
    parent_id: str | None
    slug: str | None
    version: int
    summary_additions: int
    summary_deletions: int
    summary_files: int
    summary_diffs: list[object]
    permission: JsonObject
    time_compacting: str | None
    time_archived: str | None


class ChangedSession(SessionRow):
    """The session after a change."""

    ok: bool


class SessionMatch(SessionRow):
    """A session with the text that matched: escaped HTML, the match in `<mark>`; null without a
    search text."""

    snippet: str | None


class SessionHit(TypedDict):
    """A session with the text that matched, in the wire style `spa`: plain text; null without a
    search text."""

    session: SessionRow
    snippet: str | None


class SessionPage(TypedDict):
    """A page of sessions, newest first."""

    total: int
    offset: int
    sessions: list[SessionRow]


class SessionSearchPage(TypedDict):
    """A page of search results, best first."""

    total: int
    offset: int
    sessions: list[SessionMatch]


class SessionTodos(TypedDict):
    """The last task list that the agent wrote, as it wrote it."""

    todos: list[JsonObject]


class SessionFile(TypedDict):
    """A file that a tool touched or that came with a prompt."""

    name: str
    path: str
    type: str
    tool: str


class SessionFiles(TypedDict):
    """The files of a session."""

    files: list[SessionFile]


class TextData(TypedDict):
    """Text, or thinking."""

    type: Literal["text", "reasoning"]
    text: str


class ToolState(TypedDict):
    """The state of a tool call; `output` is its result, or why it failed."""

    status: Literal["pending", "running", "completed", "error"]
    input: JsonObject
    output: str
    title: str
    metadata: JsonObject
    time_start: str | None
    time_end: str | None


class ToolData(TypedDict):
    """A tool call with its result."""

    type: Literal["tool"]
    tool: str
    call_id: str
    state: ToolState


class FileData(TypedDict):
    """A file that came with a prompt."""

    type: Literal["file"]
    name: str
    path: str
    file_id: str
    size: int
    mime_type: str


class StepData(TypedDict):
    """One model call ended."""

    type: Literal["step-finish"]
    reason: str
    tokens: TokenCounts
    cost: float | None


class CompactionData(TypedDict):
    """The agent shortened the conversation here."""

    type: Literal["compaction"]


PartData: TypeAlias = TextData | ToolData | FileData | StepData | CompactionData


class PartRow(TypedDict):
    """One part of a message. More types may come."""

    id: str
    message_id: str
    session_id: str
    time_created: str
    data: PartData


class MessageData(TypedDict):
    """The role of a message; the other fields are those of an assistant's message."""

    role: Literal["user", "assistant"]
    model_id: NotRequired[str | None]
    provider_id: NotRequired[str | None]
    cost: NotRequired[float | None]
    tokens: NotRequired[TokenCounts | None]
    finish: NotRequired[Literal["stop", "tool_use", "length", "error"] | None]
    error: NotRequired[str | None]


class MessageRow(TypedDict):
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


class MessagePage(TypedDict):
    """A page of messages, oldest first."""

    total: int
    offset: int
    messages: list[MessageRow]


class IndexProgress(TypedDict):
    """The state of the index of sessions. `progress` is a percentage."""

    status: Literal["idle", "indexing"]
    progress: Annotated[int, Field(examples=[100])]
    sessions: Annotated[int, Field(examples=[12])]
    messages: Annotated[int, Field(examples=[340])]
