"""Copies whose caller was cancelled."""

import asyncio
import contextlib
from pathlib import Path

from xo_cowork_core.services.files.folder_maker import FolderMaker
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagingArea


def test_a_copy_ends_with_its_caller_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / "terabyte").open("wb") as file:
        file.truncate(1 << 40)
    asyncio.run(begin_and_cancel(home, tmp_path / "drafts"))
    assert [each.name for each in home.iterdir()] == ["terabyte"]


async def begin_and_cancel(home: Path, drafts: Path) -> None:
    threads = DiskThreads()
    folders = FolderMaker(PathResolver(home, RootedFs((home,))), StagingArea(drafts), threads)
    async with asyncio.timeout(60):
        making = asyncio.create_task(folders.make("~/new", files=["~/terabyte"]))
        while not any(home.glob(".*/terabyte")):
            await asyncio.sleep(0)
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await making
        await threads.close()
