"""Projects: the folders under the projects root."""

from pathlib import Path

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.card import read_card
from xo_cowork_core.services.projects.files import XO, ProjectFiles
from xo_cowork_core.services.projects.names import project_id
from xo_cowork_core.services.projects.scaffold import scaffold
from xo_cowork_core.storage.folder import Folder


class Projects:
    """All projects of one server."""

    def __init__(self, files: ProjectFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    async def scaffold(
        self, name: str, *, display_name: str | None = None, description: str | None = None
    ) -> Path:
        """Make the project that a person calls `name`, or complete the one that is there, and
        return its folder. No file that exists is overwritten. Raises BadRequest."""
        wanted = project_id(name)
        now = self._clock.now()

        def work(project: Folder, xo: Folder) -> None:
            scaffold(
                project,
                xo,
                project_id=wanted,
                name=name,
                display_name=display_name,
                description=description,
                now=now,
            )

        await self._files.change(wanted, work, make=True)
        return self._files.root / wanted

    async def close(self) -> None:
        """Finish what was begun."""
        await self._files.close()

    async def scaffolded(self, name: str) -> bool:
        """Say whether this project is there with all that `scaffold` makes."""
        wanted = project_id(name)

        def look() -> bool:
            try:
                with self._files.project(wanted) as project, project.folder(XO) as xo:
                    return read_card(xo, wanted) is not None
            except (OSError, NotFound):
                return False

        return await self._files.look(look)
