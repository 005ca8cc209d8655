"""The bodies about the workspace and what its runtimes offer."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict


class WorkspaceRoots(TypedDict):
    """Where each runtime's projects lie, the default runtime first; `default` is its name, empty
    where no runtime is loaded."""

    roots: Annotated[dict[str, str], Field(examples=[{"demo": "/home/coder/xo-projects"}])]
    default: Annotated[str, Field(examples=["demo"])]


class SkillRow(TypedDict):
    """A skill, and the runtime that has it. `location` and `path` are the file that defines it."""

    name: Annotated[str, Field(examples=["review"])]
    description: Annotated[str, Field(examples=["Reviews a change"])]
    path: Annotated[str, Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])]
    location: Annotated[str, Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])]
    source: Annotated[Literal["bundled", "plugin", "project"], Field(examples=["bundled"])]
    enabled: Annotated[bool, Field(examples=[True])]
    agent_name: Annotated[str, Field(examples=["claude_code"])]
