"""Opens project folders, off the event loop: readers side by side, one writer at a time.

A project is opened by its name in the projects root and never through a symlink, so that a path
cannot change between the check and the use. A change in `.xo` holds that folder's lock.
"""

import asyncio
import errno
import logging
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from xo_cowork_core.sdk import NotFound, Unavailable
from xo_cowork_core.services.files.os_errors import translate_os_errors
from xo_cowork_core.services.workspace import check_id
from xo_cowork_core.storage.folder_handle import FolderBusyError, FolderHandle
from xo_cowork_core.storage.paths import is_unicode

XO = ".xo"
READER_THREADS = 2
LOCK_SECONDS = 2.0
ABSENT_CODES = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
T = TypeVar("T")
log = logging.getLogger("xo_cowork.projects")


class ProjectFiles:
    """The folders under one projects root, and the threads that work in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="projects-write")
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="projects-read")

    async def read(self, project_id: str, work: Callable[[FolderHandle], T]) -> T:
        """Run `work` on a project's folder. Raises NotFound, BadRequest or Unavailable."""

        def run() -> T:
            with self.open_project(project_id) as project:
                return work(project)

        return await self.run_reader(run)

    async def change(self, project_id: str, work: Callable[[FolderHandle, FolderHandle], T]) -> T:
        """Run `work` on a project's folder and its locked `.xo`, which is created when absent.

        Raises NotFound, BadRequest or Unavailable.
        """

        def run() -> T:
            with (
                self.open_project(project_id) as project,
                project.open_folder(XO, make=True) as xo,
                xo.locked(LOCK_SECONDS),
            ):
                return work(project, xo)

        return await self._run(self._writer, run)

    async def run_reader(self, work: Callable[[], T]) -> T:
        """Run `work` on a reader thread. Raises BadRequest or Unavailable for an OSError."""
        return await self._run(self._readers, work)

    def project_ids(self) -> list[str]:
        """Return the ids of all projects; blocks. Symlinks and hidden folders are not projects."""
        try:
            with FolderHandle.open(self.root) as root:
                return [
                    entry.name
                    for entry in root.entries()
                    if not entry.name.startswith(".")
                    and entry.is_dir(follow_symlinks=False)
                    and is_unicode(entry.name)
                ]
        except FileNotFoundError:
            return []

    @contextmanager
    def open_project(self, project_id: str) -> Generator[FolderHandle]:
        """Open a project's folder; blocks. Raises NotFound, BadRequest or OSError."""
        check_id(project_id)
        try:
            with FolderHandle.open(self.root) as root:
                project = root.open_folder(project_id)
        except OSError as error:
            if error.errno in ABSENT_CODES:
                raise NotFound("Project not found") from None
            raise
        with project:
            yield project

    async def close(self) -> None:
        """Wait for running work and end the threads."""
        await asyncio.to_thread(self._shutdown)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            with translate_os_errors(
                None,
                None,
                conflict=None,
                malformed="The name is too long",
                unusable="The project's files cannot be read or written",
            ):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except FolderBusyError:
            raise Unavailable("Another program holds the project's files", retry_after=2) from None
        except Unavailable as error:
            log.error("%s", error.message)
            raise

    def _shutdown(self) -> None:
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)


@contextmanager
def open_existing(folder: FolderHandle, name: str) -> Generator[FolderHandle | None]:
    """Open a folder in another; None when it is absent or a symlink."""
    try:
        inner = folder.open_folder(name)
    except OSError as error:
        if error.errno not in ABSENT_CODES:
            raise
        yield None
        return
    with inner:
        yield inner
