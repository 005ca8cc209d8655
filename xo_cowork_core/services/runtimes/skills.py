"""Skills of every runtime that offers any."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, OffersSkills, Skill, XoError
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.workspace import Workspace

LIST_SECONDS = 5.0
log = logging.getLogger("xo_cowork.skills")


class Skills:
    """Lists the skills of runtimes."""

    def __init__(self, registry: Registry, workspace: Workspace) -> None:
        self._registry = registry
        self._workspace = workspace

    async def list(
        self, *, workspace: str | None, agent_name: str | None
    ) -> Sequence[tuple[str, Skill]]:
        """Return pairs of runtime name and skill, as turns in `workspace` could call them.

        `workspace` is a project's id or a path. Raises BadRequest, Forbidden or NotFound, and what
        `call_runtime` raises for a named runtime.
        """
        runtimes = self._requested(agent_name)
        cwd = await self._workspace.find_folder(workspace)
        list_skills = _skills_of if agent_name else _skills_or_none
        lists = await asyncio.gather(*(list_skills(runtime, cwd) for runtime in runtimes))
        return [
            (runtime.info.name, skill)
            for runtime, skills in zip(runtimes, lists, strict=True)
            for skill in skills
        ]

    def _requested(self, agent_name: str | None) -> Sequence[RegisteredRuntime]:
        if not agent_name:
            return self._registry.runtimes()
        runtime = self._registry.runtime(agent_name)
        if runtime is None:
            raise BadRequest(f"Unknown agent_name {agent_name!r}")
        return [runtime]


async def _skills_or_none(runtime: RegisteredRuntime, cwd: Path) -> Sequence[Skill]:
    try:
        return await _skills_of(runtime, cwd, is_optional=True)
    except XoError as error:
        # the other runtimes' skills are still listed
        log.warning("no skills of %s: %s", runtime.info.name, error.message)
        return []


async def _skills_of(
    registered: RegisteredRuntime, cwd: Path, *, is_optional: bool = False
) -> Sequence[Skill]:
    if not isinstance(registered.runtime, OffersSkills) or not registered.plugin.serves:
        return []
    return await registered.call(
        OffersSkills.skills,
        cwd,
        action="list its skills",
        seconds=LIST_SECONDS,
        is_optional=is_optional,
    )
