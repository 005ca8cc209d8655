"""The bodies about the workspace and what its runtimes offer."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class WorkspaceRoots(TypedDict):
    """Where each runtime's projects lie, the default runtime first; `default` is its name, empty
    where no runtime is loaded."""

    roots: Annotated[dict[str, str], Field(examples=[{"demo": "/home/coder/xo-projects"}])]
    default: Annotated[str, Field(examples=["demo"])]


class SkillRow(TypedDict):
    """A skill, and the runtime that has it."""

    name: Annotated[str, Field(examples=["review"])]
    description: Annotated[str, Field(examples=["Reviews a change"])]
    path: Annotated[str, Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])]
    agent_name: Annotated[str, Field(examples=["claude_code"])]
