"""Many who save one file at once: each sees every change before its own, or is told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from xo_cowork_core.sdk import PreconditionFailed
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.reading import Reading
from xo_cowork_core.services.files.saving import Saving
from xo_cowork_core.services.files.threads import DiskThreads
from xo_cowork_core.storage.beneath import Beneath
from xo_cowork_core.storage.drafts import Staging

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
    places, threads = PathResolver(home, Beneath((home,))), DiskThreads()
    saving, reading = Saving(places, Staging(home / "drafts"), threads), Reading(places, threads)
    await saving.save("~/count", "0")

    async def count() -> int:
        done = refused = 0
        while done < ROUNDS:
            found = await reading.text("~/count")
            try:
                await saving.save("~/count", str(int(found.content) + 1), found.etag)
                done += 1
            except PreconditionFailed:
                refused += 1
        return refused

    async with asyncio.timeout(60):
        refused = await asyncio.gather(*(count() for _ in range(WRITERS)))
    await threads.close()
    return sum(refused)
