"""A prompt as a client sends it, and the turn that it resolves to."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from xo_cowork_core.sdk import PermissionRule, Turn
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime


class AttachedFile(NamedTuple):
    """A file as a prompt names it."""

    path: str
    name: str
    mime_type: str
    file_id: str
    size: int


class Prompt(NamedTuple):
    """A request for a turn, unchecked; absent fields are None.

    `edits` is the id of the user's message that the prompt replaces.
    """

    text: str
    session_id: str | None = None
    agent_name: str | None = None
    agent_id: str | None = None
    workspace: str | None = None
    skill: str | None = None
    model: str | None = None
    provider_id: str | None = None
    mode: Literal["build", "plan"] = "build"
    attachments: Sequence[AttachedFile] = ()
    file_changes: PermissionRule | None = None
    run_commands: PermissionRule | None = None
    reasoning: str | None = None
    edits: str | None = None


class ResolvedTurn(NamedTuple):
    """A turn that may start, and the runtime that runs it."""

    turn: Turn
    owner: RegisteredRuntime
