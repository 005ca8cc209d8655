"""The typed events of one turn: what `Runtime.run` yields and the event log keeps.

An event's `name` and the keys of `data()` are the wire contract's. The host adds ids, the
session and the terminal event; a runtime yields the rest in the order in which things happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from typing import ClassVar, Literal, TypeAlias

from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

JsonValue: TypeAlias = (
    bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
)
Json: TypeAlias = Mapping[str, JsonValue]
FinishReason: TypeAlias = Literal["stop", "aborted", "length"]
StepReason: TypeAlias = Literal["stop", "tool_use", "length", "error"]
CompactionPhase: TypeAlias = Literal["prune", "summarize"]


class Event:
    """Base of all events."""

    __slots__ = ()

    name: ClassVar[str] = "event"
    terminal: ClassVar[bool] = False

    def data(self, session_id: str) -> Json:
        """Return the wire body. `session_id` is the turn's, for events that carry it."""
        raise NotImplementedError


@frozen_dataclass
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


@frozen_dataclass
class SessionCreated(Event):
    """The first event of a new session's turn. The host sends it."""

    name: ClassVar[str] = "session-created"

    def data(self, session_id: str) -> Json:
        return {"session_id": session_id}


@frozen_dataclass
class TextDelta(Event):
    """Assistant text to append."""

    name: ClassVar[str] = "text-delta"
    text: str

    def data(self, session_id: str) -> Json:
        return {"text": self.text, "session_id": session_id}


@frozen_dataclass
class ReasoningDelta(Event):
    """Reasoning text to append."""

    name: ClassVar[str] = "reasoning-delta"
    text: str

    def data(self, session_id: str) -> Json:
        return {"text": self.text}


@frozen_dataclass
class StepStart(Event):
    """One model call starts; `step` counts from 1 in a turn."""

    name: ClassVar[str] = "step-start"
    step: int

    def data(self, session_id: str) -> Json:
        return {"step": self.step}


@frozen_dataclass
class StepFinish(Event):
    """One model call ended.

    `reason` is `tool_use` while the turn goes on, else `stop`, `length` or `error`. `cost` is in US
    dollars, None when unknown.
    """

    name: ClassVar[str] = "step-finish"
    reason: StepReason = "stop"
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = None

    def data(self, session_id: str) -> Json:
        return {"reason": self.reason, "tokens": self.tokens.data(), "cost": self.cost}


@frozen_dataclass
class ModelLoading(Event):
    """The runtime works before its first text; `label` names the work, for people."""

    name: ClassVar[str] = "model-loading"
    label: str

    def data(self, session_id: str) -> Json:
        return {"label": self.label}


@frozen_dataclass
class TitleUpdate(Event):
    """The session has a new title."""

    name: ClassVar[str] = "title-update"
    title: str

    def data(self, session_id: str) -> Json:
        return {"title": self.title}


@frozen_dataclass
class CompactionStart(Event):
    """Compaction started: the agent shortens the conversation. `phases` names its steps:
    `prune` (tool output is dropped) and `summarize`."""

    name: ClassVar[str] = "compaction-start"
    phases: Sequence[CompactionPhase] = ("summarize",)

    def data(self, session_id: str) -> Json:
        return {"phases": list(self.phases)}


@frozen_dataclass
class Compacted(Event):
    """Compaction is finished."""

    name: ClassVar[str] = "compacted"

    def data(self, session_id: str) -> Json:
        return {}


@frozen_dataclass
class CompactionError(Event):
    """Compaction failed."""

    name: ClassVar[str] = "compaction-error"
    error_message: str

    def data(self, session_id: str) -> Json:
        return {"error_message": self.error_message}


@frozen_dataclass
class Desync(Event):
    """The text streamed so far is invalid: readers clear it and fetch the messages again."""

    name: ClassVar[str] = "desync"
    reason: str

    def data(self, session_id: str) -> Json:
        return {"reason": self.reason}


@frozen_dataclass
class AgentError(Event):
    """Terminal: the turn failed. Codes as in `AgentFailure`."""

    name: ClassVar[str] = "agent-error"
    terminal: ClassVar[bool] = True
    error_message: str
    code: str = "upstream"

    def data(self, session_id: str) -> Json:
        return {"error_message": self.error_message, "code": self.code}


@frozen_dataclass
class Done(Event):
    """Terminal: the turn ended.

    `finish_reason` is `stop`, `length` (the model's output limit was reached) or `aborted`.
    `tokens` and `cost` (US dollars) are the turn's; None = unknown.
    """

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
