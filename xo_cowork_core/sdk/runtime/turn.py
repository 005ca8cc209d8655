"""One turn as the host passes it to a runtime, and the answers given during it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.events.base import Tokens
from xo_cowork_core.sdk.events.interactions import PermissionScope
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

PermissionKind: TypeAlias = Literal["file_changes", "run_commands", "other"]
PermissionRule: TypeAlias = Literal["allow", "ask", "deny"]
AgentMode: TypeAlias = Literal["build", "plan"]


@frozen_dataclass
class Attachment:
    """A file that came with the prompt. `path` is absolute and was checked by the host."""

    name: str
    path: Path
    mime_type: str = ""
    file_id: str = ""
    size: int = 0


@frozen_dataclass
class Permissions:
    """The permission rules of a turn, one for each kind of tool call.

    `file_changes` is for tools that write files, `run_commands` for those that run programs,
    `other` for all others. A rule is `allow` (run it unasked), `ask` (yield a `PermissionRequest`)
    or `deny` (don't run it, and don't ask). A runtime applies them before it yields a request.
    """

    file_changes: PermissionRule = "ask"
    run_commands: PermissionRule = "ask"
    other: PermissionRule = "ask"

    def rule(self, kind: PermissionKind) -> PermissionRule:
        """Return the rule for one kind of permission."""
        rules: dict[PermissionKind, PermissionRule] = {
            "file_changes": self.file_changes,
            "run_commands": self.run_commands,
            "other": self.other,
        }
        return rules[kind]


@frozen_dataclass
class TurnMcpServer:
    """An MCP server that the agent of a turn may use: streamable HTTP at a loopback address.

    `name` has only letters, digits and `_`; agents build the names of tools from it. Requests
    carry the `headers`, which have a token that works only while a turn of this session runs. It
    stays the same in all turns of the session, as long as the host runs. Pass it to the agent in
    its environment or through its stdin, never in `argv` or in a file.
    """

    name: str
    url: str
    token: SecretStr

    @property
    def headers(self) -> Mapping[str, SecretStr]:
        """The headers of each request."""
        return {"Authorization": SecretStr(f"Bearer {self.token.get_secret_value()}")}


@frozen_dataclass
class Turn:
    """One prompt to run.

    `cwd` exists. `text` goes to the agent whole. `new_session` is True on the first turn of a
    session that the host created; on False the runtime resumes `session_id` where it can and
    starts a new one under the same id where its store has lost it. `mode` is `build`, or `plan`:
    make a plan and show it in a `PlanReview`. `skill` is a skill's bare name. `environment` is
    complete: the runtime's secrets and what other plugins add; it is all that the agent's process
    may get beside the host's own allow-list. `mcp_servers` are to be added to those that the agent
    has in its own configuration; a runtime that can't do that ignores them.
    """

    stream_id: str
    session_id: str
    text: str
    cwd: Path
    new_session: bool = True
    agent_id: str | None = None
    model: str | None = None
    provider_id: str | None = None
    mode: AgentMode = "build"
    skill: str | None = None
    reasoning: str | None = None
    attachments: Sequence[Attachment] = ()
    permissions: Permissions = field(default_factory=Permissions)
    environment: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])
    mcp_servers: Sequence[TurnMcpServer] = ()


@frozen_dataclass
class PermissionAnswer:
    """Allows or denies one tool call. `message` is the reason, for the agent; it may be empty.

    `scope` is `once`, or `session`: the agent need not ask again for the like in this session. It
    is `session` only when the request offered that in `options`.
    """

    allow: bool
    message: str = ""
    scope: PermissionScope = "once"


@frozen_dataclass
class QuestionAnswer:
    """Answers by question text. Empty when the user declined or did not answer in time."""

    answers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def declined(self) -> bool:
        return not self.answers


@frozen_dataclass
class PlanAnswer:
    """The decision on a plan.

    `action` is `accept` (carry it out), `revise` (change it as `feedback` says) or `stop`.
    """

    action: Literal["accept", "revise", "stop"]
    feedback: str = ""


TurnAnswer: TypeAlias = PermissionAnswer | QuestionAnswer | PlanAnswer


@frozen_dataclass
class TurnOutcome:
    """How a turn ended, without its content. `cost` is in US dollars."""

    finish_reason: str
    error_code: str | None = None
    tokens: Tokens | None = None
    cost: float | None = None
    duration_seconds: float = 0.0
