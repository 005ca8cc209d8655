"""Workspace memory, and the lists that are real where a runtime offers them (contract §6)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.models import RequestModel, ResponseModel
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.projects.memory import Memory

router = APIRouter(tags=["memory"])
Row = dict[str, Any]
Workspace = Annotated[str | None, Query()]
EMPTY: dict[int | str, Row] = {200: {"content": {"application/json": {"example": []}}}}


class MemoryAnswer(ResponseModel):
    """A project's memory as one text, in both field names; empty where there is no project."""

    memory: str = Field(examples=["# Project facts\n"])
    content: str = Field(examples=["# Project facts\n"])
    workspace_path: str | None = Field(examples=["/home/coder/xo-projects/my-project"])
    time_updated: str | None = Field(examples=["2026-11-24T08:00:00.000+00:00"])


class MemoryBody(RequestModel):
    """The new text."""

    memory: str | None = Field(default=None, examples=["# Project facts\n"])
    content: str | None = None
    workspace: str | None = None


class SkillRow(ResponseModel):
    """A skill, and the runtime that has it."""

    name: str = Field(examples=["review"])
    description: str = Field(examples=["Reviews a change"])
    path: str = Field(examples=["/home/coder/.claude/skills/review/SKILL.md"])
    agent_name: str = Field(examples=["claude_code"])


@router.get("/api/workspace-memory")
async def read_memory(services: ServicesDep, workspace: Workspace = None) -> MemoryAnswer:
    """Return what a project's agents remember of it."""
    return _memory(await services.memory.read(workspace or ""))


@router.put("/api/workspace-memory")
async def write_memory(
    body: MemoryBody, services: ServicesDep, workspace: Workspace = None
) -> MemoryAnswer:
    """Change what a project's agents remember of it."""
    text = body.content if body.memory is None else body.memory
    if text is None:
        raise BadRequest("`memory` is missing")
    return _memory(await services.memory.write(workspace or body.workspace or "", text))


@router.get("/api/skills")
async def list_skills(
    services: ServicesDep,
    workspace: Workspace = None,
    agent_name: Annotated[str | None, Query()] = None,
) -> list[SkillRow]:
    """List the skills that a prompt in a workspace may name, of every runtime that has some."""
    found = await services.skills.list(workspace=workspace, agent_name=agent_name)
    return [
        SkillRow(
            name=skill.name, description=skill.description, path=str(skill.path), agent_name=owner
        )
        for owner, skill in found
    ]


@router.get("/api/tools", responses=EMPTY)
async def list_tools() -> list[Row]:
    """List tools: none, since no runtime says before a turn which it has."""
    return []


@router.get("/api/mcp/status", responses=EMPTY)
async def list_mcp_servers() -> list[Row]:
    """List MCP servers: none, since no runtime tells of its own."""
    return []


@router.get("/api/automations", responses=EMPTY)
async def list_automations() -> list[Row]:
    """List automations: none, since no runtime offers them."""
    return []


def _memory(found: Memory) -> MemoryAnswer:
    return MemoryAnswer(
        memory=found.text,
        content=found.text,
        workspace_path=str(found.workspace_path) if found.workspace_path else None,
        time_updated=stamp(found.time_updated) if found.time_updated else None,
    )
