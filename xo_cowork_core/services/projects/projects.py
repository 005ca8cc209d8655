"""The projects: folders under the projects root."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import BadRequest, XoError
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.files.folder_maker import CreatedFolder, FolderMaker
from xo_cowork_core.services.projects.metadata import (
    ProjectMetadata,
    read_metadata,
)
from xo_cowork_core.services.projects.project_files import XO, ProjectFiles, open_existing
from xo_cowork_core.services.projects.scaffold import ProjectTexts, scaffold
from xo_cowork_core.services.projects.timeline import Timeline
from xo_cowork_core.services.projects.todos import Todos
from xo_cowork_core.services.projects.tree import TreeLevel, read_level
from xo_cowork_core.services.workspace import project_id_from
from xo_cowork_core.storage.folder_handle import FolderHandle


class Project(NamedTuple):
    """One project; `unscaffolded` if its folder has no metadata file."""

    id: str
    metadata: ProjectMetadata
    unscaffolded: bool


class Projects:
    """All projects of one server. Owns their todos and timelines, and closes `files`."""

    def __init__(self, files: ProjectFiles, folders: FolderMaker, clock: Clock) -> None:
        self.todos = Todos(files, clock)
        self.timeline = Timeline(files)
        self._files = files
        self._folders = folders
        self._clock = clock

    async def create(
        self, path: str | None, texts: ProjectTexts, *, files: Sequence[str] = ()
    ) -> CreatedFolder:
        """Create a project right under the projects root, and copy `files` into it.

        The last component of `path` is the project's name, from which its id is made. Raises
        BadRequest, Forbidden, NotFound, Conflict or Unavailable; then nothing was created.
        """
        template = _ProjectTemplate(self._files.root, texts, self._clock)
        return await self._folders.make(path, files=files, template=template)

    async def list(self) -> Sequence[Project]:
        """Return every project, by display name; broken metadata never hides one."""
        return await self._files.run_reader(self._read_all)

    async def read_level(self, project_id: str, relative_path: str) -> TreeLevel:
        """List a folder of a project. Raises BadRequest, Forbidden or NotFound."""
        location = self._files.root / project_id
        return await self._files.read(
            project_id, lambda project: read_level(project, location, relative_path)
        )

    async def check_exists(self, project_id: str) -> None:
        """Raise NotFound when there is no such project."""
        await self._files.read(project_id, lambda _: None)

    async def close(self) -> None:
        """Wait for running work and end the threads."""
        await self._files.close()

    def _read_all(self) -> Sequence[Project]:
        projects = [self._read_one(project_id) for project_id in self._files.project_ids()]
        return sorted(
            (project for project in projects if project),
            key=lambda project: (project.metadata.display_name.casefold(), project.id),
        )

    def _read_one(self, project_id: str) -> Project | None:
        """Return a project; None when it was deleted meanwhile or cannot be read."""
        try:
            with (
                self._files.open_project(project_id) as project,
                open_existing(project, XO) as xo,
            ):
                metadata = read_metadata(xo, project_id) if xo else None
        except (OSError, XoError):
            return None
        return Project(
            project_id,
            metadata or ProjectMetadata(project_id, "", ""),
            unscaffolded=metadata is None,
        )


class _ProjectTemplate(NamedTuple):
    """Makes a new folder a project."""

    root: Path
    texts: ProjectTexts
    clock: Clock

    def destination(self, path: Path) -> Path:
        """Return the project's folder, whose name is the project's id."""
        if path.parent != self.root.resolve():
            raise BadRequest("`scaffold` needs a path right under the folder of projects")
        return path.with_name(project_id_from(path.name))

    def fill(self, folder: FolderHandle, path: Path) -> None:
        """Write the scaffold for the name that ends `path`."""
        scaffold(folder, path.name, self.texts, self.clock.now())
