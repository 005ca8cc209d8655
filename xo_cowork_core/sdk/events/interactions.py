"""Events of an agent that waits for a person: permissions, questions and plans."""

from collections.abc import Sequence
from dataclasses import asdict, field
from typing import ClassVar, Literal, TypeAlias

from xo_cowork_core.sdk.events.base import Event, Json, JsonValue
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

PermissionScope: TypeAlias = Literal["once", "session"]


@frozen_dataclass
class PermissionRequest(Event):
    """A tool call needs permission.

    The host stores the request and passes the answer to `Answers.answer`; on timeout it denies.
    `permission` is a `PermissionKind` (`file_changes`, `run_commands` or `other`), `patterns` are
    the paths or commands concerned, `tool` and `arguments` are those of the `ToolCall`. `options`
    are the scopes that an answer may have, each a `PermissionScope`: `once`, and `session` when the
    agent can remember the answer for the rest of the session.
    """

    name: ClassVar[str] = "permission-request"
    call_id: str
    tool: str
    permission: str
    patterns: Sequence[str] = ()
    arguments: Json = field(default_factory=dict[str, JsonValue])
    options: Sequence[PermissionScope] = ("once",)

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "permission": self.permission,
            "patterns": list(self.patterns),
            "arguments": self.arguments,
            "options": list(self.options),
        }


@frozen_dataclass
class PermissionResolved(Event):
    """A permission request or a plan has been decided. Sent by the host.

    `decision` is `allow` or `deny`, for a plan `accept`, `revise` or `stop`. `reason` is
    `answered`, `timeout` or `withdrawn` (the agent has cancelled its request).
    """

    name: ClassVar[str] = "permission-resolved"
    call_id: str
    decision: str
    reason: str = "answered"

    def data(self, session_id: str) -> Json:
        return {"call_id": self.call_id, "decision": self.decision, "reason": self.reason}


@frozen_dataclass
class QuestionOption:
    """One of the answers that a question offers."""

    label: str
    description: str = ""


@frozen_dataclass
class QuestionItem:
    """One question of a form. `question` is its text and the key of its answer."""

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


@frozen_dataclass
class Question(Event):
    """The agent asks the user one or more questions."""

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


@frozen_dataclass
class QuestionResolved(Event):
    """A question is closed: `reason` is `answered`, `timeout` or `withdrawn`. Sent by the host."""

    name: ClassVar[str] = "question-resolved"
    call_id: str
    reason: str = "answered"

    def data(self, session_id: str) -> Json:
        return {"call_id": self.call_id, "reason": self.reason}


@frozen_dataclass
class PlanReview(Event):
    """The agent has made a plan and waits for the decision on it. `plan` is Markdown."""

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
