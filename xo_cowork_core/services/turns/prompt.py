"""A prompt as a client sends it: unchecked, with None for absent fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xo_cowork_core.sdk import PermissionRule


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as a prompt names it."""

    path: str
    name: str = ""
    mime_type: str = ""
    file_id: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request for a turn. `edits` is the id of the user's message that it replaces."""

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
