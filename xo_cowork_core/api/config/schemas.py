"""The bodies about the workspace and what its runtimes offer."""

from pydantic import Field

from xo_cowork_core.api.models import ResponseModel


class WorkspaceRoots(ResponseModel):
    """Where each runtime's projects lie, the default runtime first."""

    roots: dict[str, str] = Field(examples=[{"demo": "/home/coder/xo-projects"}])
    default: str = Field(examples=["/home/coder/xo-projects"])


class SkillRow(ResponseModel):
    """A skill, and the runtime that has it."""

    name: str = Field(examples=["review"])
    description: str = Field(examples=["Reviews a change"])
    path: str = Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])
    agent_name: str = Field(examples=["claude_code"])
