"""Workspace settings, skills, tools and MCP servers (contract §6)."""

from typing import Annotated

from fastapi import Query

from xo_cowork_core.api.config import (
    AGENTS_PATH,
    AUTOMATIONS_PATH,
    NAMED_PATH,
    SKILLS_PATH,
    TOOLS_PATH,
    WORKSPACE_PATH,
    schemas,
)
from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import JsonObject, Unvalidated, response_example

router = lazy_router()
CONFIG_RESPONSES = response_example({"gateway": {"port": 18789, "auth": {"token": "••••"}}})
Workspace = Annotated[str | None, Query()]


@router.get(WORKSPACE_PATH)
async def read_workspace(services: ServicesDep) -> schemas.WorkspaceRoots:
    """Return the projects root of each runtime, and the name of the default runtime."""
    roots = {name: str(root) for name, root in (await services.project_roots.of_runtimes()).items()}
    return schemas.WorkspaceRoots(roots=roots, default=next(iter(roots), ""))


@router.get(AGENTS_PATH + "/{agent_name}", responses=CONFIG_RESPONSES)
async def read_configuration(agent_name: str, services: ServicesDep) -> Unvalidated[JsonObject]:
    """Return a runtime's configuration, with its secrets masked."""
    return await services.configurations.read(agent_name)


@router.get(NAMED_PATH, responses=CONFIG_RESPONSES)
async def read_named_configuration(services: ServicesDep) -> Unvalidated[JsonObject]:
    """Return the same for the runtime of this name, under the path that older clients know."""
    return await services.configurations.read("openclaw")


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
            path=str(skill.path or ""),
            location=str(skill.path or ""),
            source=skill.source,
            enabled=skill.enabled,
            agent_name=owner,
        )
        for owner, skill in skills
    ]


@router.get(TOOLS_PATH)
async def list_tools(services: ServicesDep) -> list[schemas.ToolRow]:
    """List the tools of the runtimes that know them before a turn."""
    return [
        schemas.ToolRow(
            name=tool.name, description=tool.description, source=tool.source, agent_name=owner
        )
        for owner, tool in await services.catalogs.tools()
    ]


@router.get("/api/mcp/status")
async def list_mcp_servers(
    services: ServicesDep, workspace: Workspace = None
) -> list[schemas.McpServerRow]:
    """List the MCP servers that turns in a workspace have, as their agents are configured."""
    return [
        schemas.McpServerRow(
            name=server.name,
            status="configured" if server.enabled else "disabled",
            enabled=server.enabled,
            transport=server.transport,
            scope=server.scope,
            agent_name=owner,
        )
        for owner, server in await services.catalogs.mcp_servers(workspace)
    ]


@router.get(AUTOMATIONS_PATH)
async def list_automations(services: ServicesDep) -> list[schemas.AutomationRow]:
    """List the work that agents do by themselves, at set times."""
    return [
        schemas.AutomationRow(
            id=automation.id,
            name=automation.name,
            schedule=automation.schedule,
            enabled=automation.enabled,
            agent_name=owner,
        )
        for owner, automation in await services.catalogs.automations()
    ]
