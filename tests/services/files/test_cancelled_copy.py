"""Copies that nobody waits for any more."""

import asyncio
import contextlib
from pathlib import Path

from xo_cowork_core.services.files.folders import Folders
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.beneath import Beneath
from xo_cowork_core.storage.drafts import Staging
from xo_cowork_core.storage.folder import Folder


def test_a_copy_ends_with_its_caller_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / "terabyte").open("wb") as file:
        file.truncate(1 << 40)
    asyncio.run(begin_and_cancel(home, tmp_path / "drafts"))
    assert [each.name for each in home.iterdir()] == ["terabyte"]


async def begin_and_cancel(home: Path, drafts: Path) -> None:
    threads = DiskThreads()
    folders = Folders(
        PathResolver(home, Beneath((home,))),
        Staging(drafts),
        threads,
        projects_root=home / "projects",
        scaffold=no_scaffold,
    )
    async with asyncio.timeout(60):
        making = asyncio.create_task(folders.make("~/new", files=["~/terabyte"]))
        while not any(home.glob(".*/terabyte")):
            await asyncio.sleep(0)
        making.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await making
        await threads.close()


def no_scaffold(
    folder: Folder, name: str, *, display_name: str | None, description: str | None
) -> None:
    raise AssertionError("no project was asked for")
