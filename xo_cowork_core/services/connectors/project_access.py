"""What the agents of each project may get of the connectors.

Kept in the state folder and not among the project's own files: those are shared with other people,
and agents write them.
"""

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from xo_cowork_core.services.connectors.errors import StorageFailed
from xo_cowork_core.storage.json_file import JsonFile

VERSION = 1


class ProjectAccess(NamedTuple):
    """`mcp`: whether agents may use connectors, or only which ones: call their MCP servers, and get
    their credentials for git.

    `raw_tokens`: whether tokens of connectors are put into the environment of agents.
    """

    mcp: bool | frozenset[str] = True
    raw_tokens: bool = False

    def allows_mcp(self, connector: str) -> bool:
        """Return whether agents may use a connector, its MCP server and its git credentials."""
        return connector in self.mcp if isinstance(self.mcp, frozenset) else self.mcp


class ProjectAccessStore:
    """Owns the file of all projects' access; a project that is not in it has the default."""

    def __init__(self, file: Path) -> None:
        self._file = JsonFile(file, version=VERSION)
        self._projects: Mapping[str, ProjectAccess] = {}
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Read the file. A damaged one is set aside: then nothing is allowed beyond the default."""
        self._projects = await asyncio.to_thread(self._read)

    def find(self, project_id: str | None) -> ProjectAccess:
        """Return the access of a project, or of turns without one. From memory."""
        return self._projects.get(project_id or "", ProjectAccess())

    async def change(
        self,
        project_id: str,
        *,
        mcp: bool | Collection[str] | None = None,
        raw_tokens: bool | None = None,
    ) -> ProjectAccess:
        """Change what is given, and return the access. Raises StorageFailed."""
        async with self._lock:
            access = self.find(project_id)
            if mcp is not None:
                access = access._replace(mcp=mcp if isinstance(mcp, bool) else frozenset(mcp))
            if raw_tokens is not None:
                access = access._replace(raw_tokens=raw_tokens)
            others = {name: a for name, a in self._projects.items() if name != project_id}
            projects = {**others, project_id: access}
            try:
                await asyncio.to_thread(self._write, projects)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StorageFailed(f"The change can't be stored: {reason}.") from None
            self._projects = projects
            return access

    def _write(self, projects: Mapping[str, ProjectAccess]) -> None:
        rows = {
            project_id: {
                "mcp": sorted(access.mcp) if isinstance(access.mcp, frozenset) else access.mcp,
                "raw_tokens": access.raw_tokens,
            }
            for project_id, access in projects.items()
            if access != ProjectAccess()
        }
        self._file.write({"version": VERSION, "projects": rows})

    def _read(self) -> Mapping[str, ProjectAccess]:
        rows = self._file.read().value.get("projects")
        if not isinstance(rows, dict):
            return {}
        return {
            project_id: _access_of(cast("Mapping[str, object]", row))
            for project_id, row in cast("Mapping[str, object]", rows).items()
            if isinstance(row, dict)
        }


def _access_of(row: Mapping[str, object]) -> ProjectAccess:
    """Return a stored row's access; a value of another type allows nothing."""
    mcp, raw_tokens = row.get("mcp"), row.get("raw_tokens") is True
    if isinstance(mcp, list):
        names = cast("list[object]", mcp)
        return ProjectAccess(frozenset(n for n in names if isinstance(n, str)), raw_tokens)
    return ProjectAccess(mcp is True, raw_tokens)
