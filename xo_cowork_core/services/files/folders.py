"""Makes folders, plain ones and those of projects, and copies files into them."""

import errno
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xo_cowork_core.sdk import BadRequest, Conflict
from xo_cowork_core.services.files.path_resolver import PathResolver, translate_os_errors
from xo_cowork_core.services.files.threads import DiskThreads, Stop
from xo_cowork_core.services.projects.names import project_id
from xo_cowork_core.storage.beneath import PathHandle
from xo_cowork_core.storage.drafts import Staging
from xo_cowork_core.storage.folder import Folder

MOST_FILES = 1000
EXISTS = "Already exists"
FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL
# what a rename says when something with content took the name at that moment
TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


class Scaffold(Protocol):
    """Puts a project's first files into an empty folder. Blocks."""

    def __call__(
        self, project: Folder, name: str, *, display_name: str | None, description: str | None
    ) -> None: ...


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
    """New folders of one server. Each is filled under a hidden name and appears when it is whole,
    so that what a crash or a full disk cut off leaves nothing."""

    def __init__(
        self,
        places: PathResolver,
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
        # a rename takes the place of an empty folder: of two that make one, the second must see it
        self._placing = threading.Lock()

    async def make(
        self, path: str | None, *, project: Project | None = None, files: Sequence[str] = ()
    ) -> MadeFolder:
        """Make a folder, with the files of a project if asked, and copy `files` into it.

        Raises BadRequest, Forbidden, NotFound, Conflict or Unavailable; then nothing was made.
        """
        goal = self._places.path(path)
        if len(files) > MOST_FILES:
            raise BadRequest(f"At most {MOST_FILES} files at once")
        sources = [self._places.path(file) for file in files]
        return await self._threads.run_long(self._make, goal, sources, project)

    def _make(
        self, stop: Stop, goal: Path, sources: Sequence[Path], project: Project | None
    ) -> MadeFolder:
        with translate_os_errors("The folder is gone"):
            asked = self._places.beneath.real(goal)
            real = self._project_folder(asked) if project else asked
            if os.path.lexists(real):
                raise Conflict(EXISTS)
        for source in sources:
            self._check(source, real)
        with translate_os_errors("The folder is gone"), self._spot(real) as spot:
            with (
                self._staging.tree(spot) as fresh,
                Folder(os.dup(spot.folder)) as beside,
                beside.folder(fresh) as folder,
            ):
                if project:
                    self._scaffold(
                        folder,
                        asked.name,
                        display_name=project.display_name,
                        description=project.description,
                    )
                copied = [source.name for source in sources if self._copy(stop, source, folder)]
                self._place(fresh, spot)
            return MadeFolder(spot.path, copied)

    def _project_folder(self, real: Path) -> Path:
        if real.parent != Path(os.path.realpath(self._projects_root)):
            raise BadRequest("`scaffold` needs a path right under the folder of projects")
        return real.with_name(project_id(real.name))

    def _check(self, source: Path, folder: Path) -> None:
        """Refuse a file that can't be read, or whose copy would stand in a private place."""
        with translate_os_errors(f"File not found: {source.name}", f"Access denied: {source.name}"):
            self._places.beneath.open_file(source)[0].close()
            self._places.beneath.real(folder / source.name)

    @contextmanager
    def _spot(self, real: Path) -> Generator[PathHandle]:
        try:
            with self._places.beneath.spot(real, make_parents=True) as spot:
                yield spot
        except IsADirectoryError:
            raise Conflict(EXISTS) from None
        except NotADirectoryError:
            raise BadRequest("The path leads through a file") from None

    def _place(self, fresh: str, spot: PathHandle) -> None:
        with self._placing:
            if spot.stat():
                raise Conflict(EXISTS)
            try:
                os.rename(fresh, spot.name, src_dir_fd=spot.folder, dst_dir_fd=spot.folder)
            except OSError as error:
                if error.errno in TAKEN:
                    raise Conflict(EXISTS) from None
                raise
        spot.sync()

    def _copy(self, stop: Stop, source: Path, folder: Folder) -> bool:
        """Copy one file; False when its name is taken."""
        with translate_os_errors(f"File not found: {source.name}", f"Access denied: {source.name}"):
            file = self._places.beneath.open_file(source)[0]
        with file:
            try:
                with folder.open(source.name, FRESH) as copy:
                    while piece := file.read(1 << 20):
                        stop.check()
                        copy.write(piece)
                    copy.take_mode(os.fstat(file.fileno()))
                    copy.sync()
            except FileExistsError:
                return False
        return True
