"""Projects: the folders under the projects root."""

from collections.abc import Sequence
from dataclasses import dataclass

from xo_cowork_core.sdk import XoError
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.projects.metadata import ProjectMetadata, read_metadata
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, inside
from xo_cowork_core.services.projects.scaffold import scaffold
from xo_cowork_core.services.projects.timeline import Timeline
from xo_cowork_core.services.projects.todos import Todos
from xo_cowork_core.services.projects.tree import Level, read_level
from xo_cowork_core.storage.folder import Folder


@dataclass(frozen=True, slots=True)
class Project:
    """One project. `unscaffolded` says that it is a folder without a card."""

    id: str
    card: ProjectMetadata
    unscaffolded: bool


class Projects:
    """All projects of one server."""

    def __init__(self, files: ProjectFiles, clock: Clock) -> None:
        self.todos = Todos(files, clock)
        self.timeline = Timeline(files)
        self._files = files
        self._clock = clock

    def scaffold(
        self, project: Folder, name: str, *, display_name: str | None, description: str | None
    ) -> None:
        """Put the first files of the project that a person calls `name` into an empty folder.
        Blocks."""
        now = self._clock.now()
        scaffold(project, name, display_name=display_name, description=description, now=now)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._files.close()

    async def list(self) -> Sequence[Project]:
        """Return every project, by display name; a broken card never hides one."""
        return await self._files.look(self._read_all)

    async def level(self, project_id: str, relative_path: str) -> Level:
        """List a folder of a project. Raises BadRequest, Forbidden or NotFound."""
        place = self._files.root / project_id
        return await self._files.read(
            project_id, lambda project: read_level(project, place, relative_path)
        )

    async def exists(self, project_id: str) -> None:
        """Raise NotFound where there is no such project."""
        await self._files.read(project_id, lambda _: None)

    def _read_all(self) -> Sequence[Project]:
        found = [self._read_one(name) for name in self._files.names()]
        known = [project for project in found if project]
        return sorted(known, key=lambda one: (one.card.display_name.casefold(), one.id))

    def _read_one(self, name: str) -> Project | None:
        try:
            with self._files.project(name) as project, inside(project, XO) as xo:
                card = read_metadata(xo, name) if xo else None
                return Project(
                    name, card or ProjectMetadata(name, "", ""), unscaffolded=card is None
                )
        except (OSError, XoError):
            # deleted meanwhile, or not readable
            return None
