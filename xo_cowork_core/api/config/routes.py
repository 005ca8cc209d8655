"""Settings of the workspace, and what its runtimes offer (contract §6)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.models import ResponseModel
from xo_cowork_core.api.route_family import RouteFamily

SKILLS_PATH = "/api/skills"
TOOLS_PATH = "/api/tools"
AUTOMATIONS_PATH = "/api/automations"
router = APIRouter()
FAMILY = RouteFamily(
    name="config",
    description="Settings of the workspace, and the skills and tools of its runtimes.",
    router=router,
    prefixes=("/api/config", SKILLS_PATH, TOOLS_PATH, "/api/mcp", AUTOMATIONS_PATH),
)
Row = dict[str, Any]
Workspace = Annotated[str | None, Query()]
EMPTY: dict[int | str, Row] = {200: {"content": {"application/json": {"example": []}}}}


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


@router.get("/api/config/workspace")
async def read_workspace(services: ServicesDep) -> WorkspaceRoots:
    """Say where projects lie."""
    roots = {name: str(root) for name, root in (await services.roots.of_runtimes()).items()}
    return WorkspaceRoots(roots=roots, default=str(services.roots.default))


@router.get(SKILLS_PATH)
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


@router.get(TOOLS_PATH, responses=EMPTY)
async def list_tools() -> list[Row]:
    """List tools: none, since no runtime says before a turn which it has."""
    return []


@router.get("/api/mcp/status", responses=EMPTY)
async def list_mcp_servers() -> list[Row]:
    """List MCP servers: none, since no runtime tells of its own."""
    return []


@router.get(AUTOMATIONS_PATH, responses=EMPTY)
async def list_automations() -> list[Row]:
    """List automations: none, since no runtime offers them."""
    return []
