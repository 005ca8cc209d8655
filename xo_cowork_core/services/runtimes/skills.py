"""Skills of every runtime that offers some."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, OffersSkills, Skill, XoError
from xo_cowork_core.services.runtimes.calls import ask
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.workspace import Workspace

LIST_SECONDS = 5.0
log = logging.getLogger("xo_cowork.skills")


class Skills:
    """Asks runtimes for their skills."""

    def __init__(self, registry: Registry, workspace: Workspace) -> None:
        self._registry = registry
        self._workspace = workspace

    async def list(
        self, *, workspace: str | None, agent_name: str | None
    ) -> Sequence[tuple[str, Skill]]:
        """Return runtime name and skill, as turns in this workspace (a project's id, or a path)
        could call them. Raises BadRequest, Forbidden or NotFound, and what `ask` raises for the
        one that was asked for."""
        chosen = self._chosen(agent_name)
        cwd = await self._cwd(workspace)
        look = _skills_of if agent_name else _if_it_can
        lists = await asyncio.gather(*(look(found, cwd) for found in chosen))
        return [
            (found.info.name, skill)
            for found, skills in zip(chosen, lists, strict=True)
            for skill in skills
        ]

    def _chosen(self, agent_name: str | None) -> Sequence[RegisteredRuntime]:
        if not agent_name:
            return self._registry.runtimes()
        found = self._registry.runtime(agent_name)
        if found is None:
            raise BadRequest(f"Unknown agent_name {agent_name!r}")
        return [found]

    async def _cwd(self, workspace: str | None) -> Path:
        if not workspace:
            return self._workspace.projects_root
        if workspace.startswith(("/", "~")):
            return await self._workspace.resolve_folder(workspace)
        project = await self._workspace.find_project(workspace)
        return project or self._workspace.projects_root


async def _if_it_can(found: RegisteredRuntime, cwd: Path) -> Sequence[Skill]:
    try:
        return await _skills_of(found, cwd)
    except XoError as error:
        # one runtime's trouble must not hide the others' skills
        log.warning("no skills of %s: %s", found.info.name, error.message)
        return []


async def _skills_of(found: RegisteredRuntime, cwd: Path) -> Sequence[Skill]:
    if not isinstance(found.runtime, OffersSkills) or not found.plugin.serves:
        return []
    return await ask(found.runtime.skills(cwd), "list its skills", LIST_SECONDS)
