"""The typed events of one turn: what `Runtime.run` yields and the event log keeps.

An event's `name` and the keys of `data()` are the wire contract's. The host adds ids, the
session and the terminal event; a runtime yields the rest in the order in which things happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal, TypeAlias

JsonValue: TypeAlias = (
    bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
)
Json: TypeAlias = Mapping[str, JsonValue]
FinishReason: TypeAlias = Literal["stop", "aborted", "length"]
StepReason: TypeAlias = Literal["stop", "tool_use", "length", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    name: ClassVar[str] = "event"
    terminal: ClassVar[bool] = False

    def data(self, session_id: str) -> Json:
        """Return the wire body. `session_id` is the turn's, for events that carry it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one model call or one turn, not cumulative."""

    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    def data(self) -> Json:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SessionCreated(Event):
    """The first event of a new session's turn. Sent by the host."""

    name: ClassVar[str] = "session-created"

    def data(self, session_id: str) -> Json:
        return {"session_id": session_id}


@dataclass(frozen=True, slots=True)
class TextDelta(Event):
    """Assistant text to append."""

    name: ClassVar[str] = "text-delta"
    text: str

    def data(self, session_id: str) -> Json:
        return {"text": self.text, "session_id": session_id}


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Event):
    """Thinking to append."""

    name: ClassVar[str] = "reasoning-delta"
    text: str

    def data(self, session_id: str) -> Json:
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class ToolCall(Event):
    """A tool starts.

    `tool` is in lower case and one of `write {file_path, content}`, `edit`, `read`,
    `bash {command}`, `todo`, `web_search` where one fits, else the runtime's own name.
    """

    name: ClassVar[str] = "tool-call"
    call_id: str
    tool: str
    arguments: Json = field(default_factory=dict[str, JsonValue])
    title: str = ""

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "arguments": self.arguments,
            "title": self.title or self.tool,
        }


@dataclass(frozen=True, slots=True)
class TodoItem:
    """One row of an agent's task list."""

    content: str
    status: str
    active_form: str = ""

    def data(self) -> Json:
        return {
            "content": self.content,
            "status": self.status,
            "activeForm": self.active_form or self.content,
        }


@dataclass(frozen=True, slots=True)
class ToolResult(Event):
    """A tool ended well. The result of a `todo` tool carries `metadata={"todos": [...]}`."""

    name: ClassVar[str] = "tool-result"
    call_id: str
    tool: str
    output: str = ""
    title: str = ""
    metadata: Json = field(default_factory=dict[str, JsonValue])

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "output": self.output,
            "title": self.title or self.tool,
            "metadata": self.metadata,
        }


@dataclass(frozen=True, slots=True)
class ToolError(Event):
    """A tool failed or was refused."""

    name: ClassVar[str] = "tool-error"
    call_id: str
    tool: str
    output: str = ""
    error_message: str = ""

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "output": self.output,
            "error_message": self.error_message or self.output,
        }


@dataclass(frozen=True, slots=True)
class StepStart(Event):
    """One model call starts; `step` counts from 1 in a turn."""

    name: ClassVar[str] = "step-start"
    step: int

    def data(self, session_id: str) -> Json:
        return {"step": self.step}


@dataclass(frozen=True, slots=True)
class StepFinish(Event):
    """One model call ended; `reason` is `tool_use` while the turn goes on. `cost` in US dollars."""

    name: ClassVar[str] = "step-finish"
    reason: StepReason = "stop"
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None

    def data(self, session_id: str) -> Json:
        return {"reason": self.reason, "tokens": self.tokens.data(), "cost": self.cost}


@dataclass(frozen=True, slots=True)
class ModelLoading(Event):
    """The runtime is busy before its first text; `label` tells people with what."""

    name: ClassVar[str] = "model-loading"
    label: str

    def data(self, session_id: str) -> Json:
        return {"label": self.label}


@dataclass(frozen=True, slots=True)
class PermissionRequest(Event):
    """A tool needs leave. The host keeps it, answers it through `Answers`, or denies it in time."""

    name: ClassVar[str] = "permission-request"
    call_id: str
    tool: str
    permission: str
    patterns: Sequence[str] = ()
    arguments: Json = field(default_factory=dict[str, JsonValue])

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "permission": self.permission,
            "patterns": list(self.patterns),
            "arguments": self.arguments,
        }


@dataclass(frozen=True, slots=True)
class PermissionResolved(Event):
    """A permission or a plan was answered. Sent by the host.

    `decision` is `allow` or `deny`, for a plan `accept`, `revise` or `stop`; `reason` is
    `answered`, `timeout` or `withdrawn` (the agent no longer asks).
    """

    name: ClassVar[str] = "permission-resolved"
    call_id: str
    decision: str
    reason: str = "answered"

    def data(self, session_id: str) -> Json:
        return {"call_id": self.call_id, "decision": self.decision, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class QuestionOption:
    """One answer to choose."""

    label: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """One question of a form. `question` is also the key of its answer."""

    question: str
    header: str = ""
    options: Sequence[QuestionOption] = ()
    multi_select: bool = False

    def data(self) -> Json:
        return {
            "question": self.question,
            "header": self.header,
            "options": [asdict(option) for option in self.options],
            "multiSelect": self.multi_select,
        }


@dataclass(frozen=True, slots=True)
class Question(Event):
    """The agent asks the user."""

    name: ClassVar[str] = "question"
    call_id: str
    tool: str
    questions: Sequence[QuestionItem]

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "arguments": {"questions": [question.data() for question in self.questions]},
        }


@dataclass(frozen=True, slots=True)
class QuestionResolved(Event):
    """A question was answered, timed out or withdrawn (`reason`). Sent by the host."""

    name: ClassVar[str] = "question-resolved"
    call_id: str
    reason: str = "answered"

    def data(self, session_id: str) -> Json:
        return {"call_id": self.call_id, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PlanReview(Event):
    """The agent made a plan and waits for a word on it."""

    name: ClassVar[str] = "plan-review"
    call_id: str
    title: str
    plan: str
    files_to_modify: Sequence[str] = ()

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "title": self.title,
            "plan": self.plan,
            "files_to_modify": list(self.files_to_modify),
        }


@dataclass(frozen=True, slots=True)
class TitleUpdate(Event):
    """The session got a title."""

    name: ClassVar[str] = "title-update"
    title: str

    def data(self, session_id: str) -> Json:
        return {"title": self.title}


@dataclass(frozen=True, slots=True)
class CompactionStart(Event):
    """The agent shortens its memory of the conversation."""

    name: ClassVar[str] = "compaction-start"
    phases: Sequence[str] = ()

    def data(self, session_id: str) -> Json:
        return {"phases": list(self.phases)}


@dataclass(frozen=True, slots=True)
class Compacted(Event):
    """It is done with that."""

    name: ClassVar[str] = "compacted"

    def data(self, session_id: str) -> Json:
        return {}


@dataclass(frozen=True, slots=True)
class CompactionError(Event):
    """It could not."""

    name: ClassVar[str] = "compaction-error"
    error_message: str

    def data(self, session_id: str) -> Json:
        return {"error_message": self.error_message}


@dataclass(frozen=True, slots=True)
class Desync(Event):
    """What was streamed no longer holds: readers clear their text and refetch the messages."""

    name: ClassVar[str] = "desync"
    reason: str

    def data(self, session_id: str) -> Json:
        return {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class AgentError(Event):
    """Terminal: the turn failed. Codes as in `AgentFailure`."""

    name: ClassVar[str] = "agent-error"
    terminal: ClassVar[bool] = True
    error_message: str
    code: str = "upstream"

    def data(self, session_id: str) -> Json:
        return {"error_message": self.error_message, "code": self.code}


@dataclass(frozen=True, slots=True)
class Done(Event):
    """Terminal: the turn ended. `tokens` and `cost` (US dollars) are the turn's; None = unknown."""

    name: ClassVar[str] = "done"
    terminal: ClassVar[bool] = True
    finish_reason: FinishReason = "stop"
    tokens: Tokens | None = None
    cost: float | None = None
    model_id: str | None = None
    provider_id: str | None = None

    def data(self, session_id: str) -> Json:
        return {
            "finish_reason": self.finish_reason,
            "session_id": session_id,
            "tokens": self.tokens.data() if self.tokens else None,
            "cost": self.cost,
            "model_id": self.model_id,
            "provider_id": self.provider_id,
        }
