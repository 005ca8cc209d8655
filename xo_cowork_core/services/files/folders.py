"""Makes folders, plain ones and those of projects, and copies files into them."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xo_cowork_core.sdk import BadRequest, Conflict
from xo_cowork_core.services.files.places import Places, refusals
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.services.projects.names import project_id
from xo_cowork_core.services.projects.scaffold import unscaffolded
from xo_cowork_core.storage.staging import Staging

MOST_FILES = 1000
EXISTS = "Already exists"


class Scaffold(Protocol):
    """Makes a project's first files; files that exist stay as they are."""

    async def __call__(
        self, name: str, *, display_name: str | None = None, description: str | None = None
    ) -> Path: ...


@dataclass(frozen=True, slots=True)
class Project:
    """What a person says of a project that is to be made."""

    display_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """A new folder; `copied` are the names of the files that were put in."""

    path: Path
    copied: Sequence[str] = field(default_factory=list[str])


class Folders:
    """New folders of one server."""

    def __init__(
        self,
        places: Places,
        staging: Staging,
        threads: DiskThreads,
        *,
        projects_root: Path,
        scaffold: Scaffold,
    ) -> None:
        self._places = places
        self._staging = staging
        self._threads = threads
        self._projects_root = projects_root
        self._scaffold = scaffold

    async def make(
        self, path: str | None, *, project: Project | None = None, files: Sequence[str] = ()
    ) -> MadeFolder:
        """Make a folder, with the files of a project if asked, and copy `files` into it.

        Raises BadRequest, Forbidden, NotFound or Conflict; then nothing was made.
        """
        goal = self._places.path(path)
        if len(files) > MOST_FILES:
            raise BadRequest(f"At most {MOST_FILES} files at once")
        sources = [self._places.path(file) for file in files]
        real, name = await self._threads.run(self._prepare, goal, sources, project is not None)
        if project:
            await self._scaffold(
                name,
                display_name=project.display_name,
                description=project.description,
            )
        return MadeFolder(real, await self._threads.run(self._copy_all, sources, real))

    def _prepare(self, goal: Path, sources: Sequence[Path], is_project: bool) -> tuple[Path, str]:
        """Check everything, then make the empty folder; give it, and its name as it was asked."""
        with refusals("The folder is gone"):
            real = self._places.beneath.real(goal)
            name = real.name
            if is_project:
                real = self._project_folder(real)
            # a scaffold that a crash cut off, or a folder that never had one, may be completed
            completes = is_project and unscaffolded(real)
            if os.path.lexists(real) and not completes:
                raise Conflict(EXISTS)
        for source in sources:
            self._check(source)
        return real if completes else self._make(real), name

    def _project_folder(self, real: Path) -> Path:
        if real.parent != Path(os.path.realpath(self._projects_root)):
            raise BadRequest("`scaffold` needs a path right under the folder of projects")
        return real.with_name(project_id(real.name))

    def _check(self, source: Path) -> None:
        with refusals(f"File not found: {source.name}", f"Access denied: {source.name}"):
            self._places.beneath.open_file(source)[0].close()

    def _make(self, real: Path) -> Path:
        with refusals("The folder is gone"):
            try:
                with self._places.beneath.spot(real, make_parents=True) as spot:
                    os.mkdir(spot.name, dir_fd=spot.folder)
                    return spot.path
            except (FileExistsError, IsADirectoryError):
                raise Conflict(EXISTS) from None
            except NotADirectoryError:
                raise BadRequest("The path leads through a file") from None

    def _copy_all(self, sources: Sequence[Path], folder: Path) -> Sequence[str]:
        return [source.name for source in sources if self._copy(source, folder)]

    def _copy(self, source: Path, folder: Path) -> bool:
        """Copy one file; False when its name is taken."""
        with refusals(f"File not found: {source.name}", f"Access denied: {source.name}"):
            file = self._places.beneath.open_file(source)[0]
            with file:
                draft = self._staging.draft()
                try:
                    shutil.copyfileobj(file, draft, 1 << 20)
                    draft.take_mode(os.fstat(file.fileno()))
                    draft.sync()
                    with self._places.beneath.entry(folder, source.name) as spot:
                        draft.claim(spot)
                except FileExistsError:
                    return False
                finally:
                    draft.discard()
        return True
