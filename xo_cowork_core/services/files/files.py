"""All that is done with files, on one set of threads. It owns those threads and nothing else."""

from collections.abc import Callable, Sequence
from pathlib import Path

from xo_cowork_core.services.files.attaching import Attaching
from xo_cowork_core.services.files.folders import Folders, Scaffold
from xo_cowork_core.services.files.listing import Lists
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.private import private_places
from xo_cowork_core.services.files.reading import Reading
from xo_cowork_core.services.files.saving import Saving
from xo_cowork_core.services.files.search import Search
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.services.files.uploads import Uploads
from xo_cowork_core.storage.beneath import Beneath
from xo_cowork_core.storage.drafts import Staging


class Files:
    """Files of one server: the home folder and the projects root, but for private places."""

    def __init__(
        self,
        home: Path,
        projects_root: Path,
        state_dir: Path,
        *,
        env_files: Callable[[], Sequence[Path]],
        scaffold: Scaffold,
    ) -> None:
        beneath = Beneath(
            (home, projects_root), lambda: private_places(home, state_dir, env_files())
        )
        places = PathResolver(home, beneath)
        self._staging = Staging(state_dir / "drafts")
        self._threads = DiskThreads()
        self.reading = Reading(places, self._threads)
        self.lists = Lists(places, self._threads)
        self.saving = Saving(places, self._staging, self._threads)
        self.uploads = Uploads(places, self._staging, self._threads)
        self.attaching = Attaching(places, self._threads)
        self.search = Search(places, self._threads)
        self.folders = Folders(
            places,
            self._staging,
            self._threads,
            projects_root=projects_root,
            scaffold=scaffold,
        )

    async def start(self) -> None:
        """Remove what a killed server left half done."""
        await self._threads.run(self._staging.sweep)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._threads.close()
