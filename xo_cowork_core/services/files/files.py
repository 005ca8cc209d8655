"""Everything that clients do with files. Owns the threads that do it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from xo_cowork_core.services.files.directory_lister import DirectoryLister
from xo_cowork_core.services.files.file_reader import FileReader
from xo_cowork_core.services.files.file_writer import FileWriter
from xo_cowork_core.services.files.folder_maker import FolderMaker
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.private_paths import private_paths
from xo_cowork_core.services.files.search import FileSearch
from xo_cowork_core.services.files.stored_files import FileDescriber
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.services.files.upload_receiver import UploadReceiver
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagingArea


class Files:
    """The files of one server: the home folder and the projects root, without private paths."""

    def __init__(
        self,
        home: Path,
        projects_root: Path,
        state_dir: Path,
        *,
        env_files: Callable[[], Sequence[Path]],
    ) -> None:
        fs = RootedFs((home, projects_root), lambda: private_paths(home, state_dir, env_files()))
        resolver = PathResolver(home, fs)
        self._staging = StagingArea(state_dir / "drafts")
        self._threads = DiskThreads()
        self.reader = FileReader(resolver, self._threads)
        self.lister = DirectoryLister(resolver, self._threads)
        self.writer = FileWriter(resolver, self._staging, self._threads)
        self.uploads = UploadReceiver(resolver, self._staging, self._threads)
        self.describer = FileDescriber(resolver, self._threads)
        self.search = FileSearch(resolver, self._threads)
        self.folders = FolderMaker(resolver, self._staging, self._threads)

    async def start(self) -> None:
        """Remove what a killed server left half done."""
        await self._threads.run(self._staging.sweep)

    async def close(self) -> None:
        """Wait for running work and end the threads."""
        await self._threads.close()
