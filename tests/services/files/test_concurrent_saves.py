"""Concurrent saves of one file: each sees every change before its own, or is refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from xo_cowork_core.sdk.errors import PreconditionFailed
from xo_cowork_core.services.files.file_reader import FileReader
from xo_cowork_core.services.files.file_writer import FileWriter
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagingArea

MEMORY = Path("/dev/shm")
WRITERS = 8
ROUNDS = 60


@pytest.fixture
def home() -> Iterator[Path]:
    # in memory nothing waits for a flush, so that saves come as close together as they can
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def test_no_update_is_lost(home: Path) -> None:
    refused = asyncio.run(count_together(home))
    assert (home / "count").read_text() == str(WRITERS * ROUNDS)
    assert refused > 0, "they met"


async def count_together(home: Path) -> int:
    """Let every writer add one to a number, again and again; return how often one was refused."""
    resolver, threads = PathResolver(home, RootedFs((home,))), DiskThreads()
    writer = FileWriter(resolver, StagingArea(home / "drafts"), threads)
    reader = FileReader(resolver, threads)
    await writer.save("~/count", "0")

    async def count() -> int:
        done = refused = 0
        while done < ROUNDS:
            file = await reader.read_text("~/count")
            try:
                await writer.save("~/count", str(int(file.content) + 1), file.etag)
                done += 1
            except PreconditionFailed:
                refused += 1
        return refused

    async with asyncio.timeout(60):
        refused = await asyncio.gather(*(count() for _ in range(WRITERS)))
    await threads.close()
    return sum(refused)
