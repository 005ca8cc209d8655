"""Opens project folders, off the event loop: readers side by side, one writer at a time.

A project is reached by its name in the projects root and never through a link, so that a path
cannot change between the check and the use. Who changes something in `.xo` holds its lock.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from xo_cowork_core.sdk import BadRequest, NotFound, Unavailable
from xo_cowork_core.services.files.workspace import check_id
from xo_cowork_core.storage.folder import Folder, FolderBusyError

XO = ".xo"
READERS = 2
LOCK_SECONDS = 2.0
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
T = TypeVar("T")
log = logging.getLogger("xo_cowork.projects")


class ProjectFiles:
    """The folders under one projects root, and the threads that work in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="projects-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="projects-read")

    async def read(self, project_id: str, work: Callable[[Folder], T]) -> T:
        """Run `work` on a project's folder. Raises NotFound or BadRequest."""

        def run() -> T:
            with self.project(project_id) as project:
                return work(project)

        return await self.look(run)

    async def change(self, project_id: str, work: Callable[[Folder, Folder], T]) -> T:
        """Run `work` on a project's folder and its locked `.xo`, which is made when absent.
        Raises NotFound, BadRequest or Unavailable."""

        def run() -> T:
            with (
                self.project(project_id) as project,
                project.folder(XO, make=True) as xo,
                xo.locked(LOCK_SECONDS),
            ):
                return work(project, xo)

        return await self._run(self._writer, run)

    async def look(self, work: Callable[[], T]) -> T:
        """Run `work` on a reader thread."""
        return await self._run(self._readers, work)

    def names(self) -> list[str]:
        """List the ids of all projects; blocks. Links and hidden folders are none."""
        try:
            with Folder.at(self.root) as root:
                found = [entry for entry in root.entries() if not entry.name.startswith(".")]
                return [e.name for e in found if e.is_dir(follow_symlinks=False) and utf8(e.name)]
        except FileNotFoundError:
            return []

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._shut)

    @contextmanager
    def project(self, project_id: str) -> Generator[Folder, None, None]:
        """Open a project's folder; blocks."""
        check_id(project_id)
        try:
            with Folder.at(self.root) as root:
                project = root.folder(project_id)
        except OSError as error:
            if error.errno in ABSENT:
                raise NotFound("Project not found") from None
            raise
        with project:
            yield project

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except FolderBusyError:
            raise Unavailable("Another program holds the project's files", retry_after=2) from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise BadRequest("The name is too long") from None
            log.error("a project's files: %s", error)
            raise Unavailable(
                "The project's files cannot be read or written; the log says why"
            ) from error

    def _shut(self) -> None:
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)


def utf8(name: str) -> bool:
    """Say whether a name from disk is Unicode; others can't stand in an answer."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


@contextmanager
def inside(project: Folder, name: str) -> Generator[Folder | None, None, None]:
    """Open a folder in a project; None when there is none, or only a link."""
    try:
        found = project.folder(name)
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        yield None
        return
    with found:
        yield found
