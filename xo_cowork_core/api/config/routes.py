"""Workspace settings, skills, tools and MCP servers (contract §6)."""

from typing import Annotated

from fastapi import Query

from xo_cowork_core.api.config import schemas
from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import JsonObject, response_example
from xo_cowork_core.api.route_family import RouteFamily

SKILLS_PATH = "/api/skills"
TOOLS_PATH = "/api/tools"
AUTOMATIONS_PATH = "/api/automations"
router = lazy_router()
FAMILY = RouteFamily(
    name="config",
    description="Settings of the workspace, and the skills and tools of its runtimes.",
    router=router,
    prefixes=("/api/config", SKILLS_PATH, TOOLS_PATH, "/api/mcp", AUTOMATIONS_PATH),
)
Workspace = Annotated[str | None, Query()]


@router.get("/api/config/workspace")
async def read_workspace(services: ServicesDep) -> schemas.WorkspaceRoots:
    """Return the projects root of each runtime, and the name of the default runtime."""
    roots = {name: str(root) for name, root in (await services.project_roots.of_runtimes()).items()}
    return schemas.WorkspaceRoots(roots=roots, default=next(iter(roots), ""))


@router.get(SKILLS_PATH)
async def list_skills(
    services: ServicesDep,
    workspace: Workspace = None,
    agent_name: Annotated[str | None, Query()] = None,
) -> list[schemas.SkillRow]:
    """List the skills of all runtimes that a prompt in a workspace may name."""
    skills = await services.skills.list(workspace=workspace, agent_name=agent_name)
    return [
        schemas.SkillRow(
            name=skill.name,
            description=skill.description,
            path=str(skill.path),
            location=str(skill.path),
            source=skill.source,
            enabled=skill.enabled,
            agent_name=owner,
        )
        for owner, skill in skills
    ]


@router.get(TOOLS_PATH, responses=response_example([]))
async def list_tools() -> list[JsonObject]:
    """List tools: always empty, because no runtime reports them before a turn."""
    return []


@router.get("/api/mcp/status", responses=response_example([]))
async def list_mcp_servers() -> list[JsonObject]:
    """List MCP servers: always empty, because no runtime reports its own."""
    return []


@router.get(AUTOMATIONS_PATH, responses=response_example([]))
async def list_automations() -> list[JsonObject]:
    """List automations: always empty, because no runtime offers them."""
    return []
