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
    """A skill, and the runtime that has it. `location` and `path` are the file that defines
    it, or empty."""

    name: Annotated[str, Field(examples=["review"])]
    description: Annotated[str, Field(examples=["Reviews a change"])]
    path: Annotated[str, Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])]
    location: Annotated[str, Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])]
    source: Annotated[Literal["bundled", "plugin", "project"], Field(examples=["bundled"])]
    enabled: Annotated[bool, Field(examples=[True])]
    agent_name: Annotated[str, Field(examples=["claude_code"])]


class ToolRow(TypedDict):
    """A tool, and the runtime whose agents have it."""

    name: Annotated[str, Field(examples=["read"])]
    description: Annotated[str, Field(examples=["Read file contents"])]
    source: Annotated[str, Field(examples=["core"])]
    agent_name: Annotated[str, Field(examples=["openclaw"])]


class McpServerRow(TypedDict):
    """An MCP server in the configuration of a runtime. A disabled one is not started for turns."""

    name: Annotated[str, Field(examples=["docs"])]
    status: Annotated[Literal["configured", "disabled"], Field(examples=["configured"])]
    enabled: Annotated[bool, Field(examples=[True])]
    transport: Annotated[Literal["stdio", "http", "sse"], Field(examples=["stdio"])]
    scope: Annotated[Literal["user", "project"], Field(examples=["user"])]
    agent_name: Annotated[str, Field(examples=["claude_code"])]


class AutomationRow(TypedDict):
    """Work that a runtime does by itself."""

    id: Annotated[str, Field(examples=["7f3c"])]
    name: Annotated[str, Field(examples=["Morning report"])]
    schedule: Annotated[str, Field(examples=["0 7 * * 1-5"])]
    enabled: Annotated[bool, Field(examples=[True])]
    agent_name: Annotated[str, Field(examples=["openclaw"])]
