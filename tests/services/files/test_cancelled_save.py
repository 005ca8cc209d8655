"""Saves whose caller was cancelled."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.services.files.file_writer import FileWriter
from xo_cowork_core.services.files.path_resolver import PathResolver
from xo_cowork_core.services.files.threads import THREADS, DiskThreads
from xo_cowork_core.storage.rooted_fs import RootedFs
from xo_cowork_core.storage.staging import StagedFile, StagingArea

WAIT_SECONDS = 30.0


class HeldStagedFile:
    """Holds each sync of a staged file until the test releases it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.release = threading.Event(), threading.Event()
        sync = StagedFile.sync

        def sync_late(staged: StagedFile) -> None:
            self.began.set()
            assert self.release.wait(WAIT_SECONDS)
            sync(staged)

        monkeypatch.setattr(StagedFile, "sync", sync_late)


def writer_in(home: Path, drafts: Path, threads: DiskThreads) -> FileWriter:
    return FileWriter(PathResolver(home, RootedFs((home,))), StagingArea(drafts), threads)


@in_event_loop
async def test_a_cancelled_save_waits_until_its_disk_work_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, drafts = tmp_path / "home", tmp_path / "drafts"
    home.mkdir()
    held, threads = HeldStagedFile(monkeypatch), DiskThreads()
    saving = asyncio.create_task(writer_in(home, drafts, threads).save("~/note", "whole"))
    await asyncio.to_thread(held.began.wait, WAIT_SECONDS)
    saving.cancel()
    ended, _ = await asyncio.wait({saving}, timeout=0.3)
    assert not ended, "the thread still uses what the caller would close"
    held.release.set()
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await saving
    assert (home / "note").read_text() == "whole"
    assert list(drafts.iterdir()) == []
    await threads.close()


@in_event_loop
async def test_a_save_that_is_cancelled_before_its_turn_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, drafts = tmp_path / "home", tmp_path / "drafts"
    home.mkdir()
    held, threads = HeldStagedFile(monkeypatch), DiskThreads()
    writer = writer_in(home, drafts, threads)
    running = [asyncio.create_task(writer.save(f"~/{n}", "x")) for n in range(THREADS)]
    while len(list(drafts.iterdir()) if drafts.exists() else ()) < THREADS:
        await asyncio.sleep(0.01)
    queued = asyncio.create_task(writer.save("~/queued", "x"))
    await asyncio.sleep(0)
    queued.cancel()
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await queued
    held.release.set()
    await asyncio.gather(*running)
    await threads.close()
    assert sorted(file.name for file in home.iterdir()) == [str(n) for n in range(THREADS)]


@in_event_loop
async def test_a_cancelled_caller_is_cancelled_though_its_work_fails() -> None:
    began, release = threading.Event(), threading.Event()

    def fail_late() -> None:
        began.set()
        assert release.wait(WAIT_SECONDS)
        raise OSError("the disk is full")

    threads = DiskThreads()
    running = asyncio.create_task(threads.run(fail_late))
    await asyncio.to_thread(began.wait, WAIT_SECONDS)
    running.cancel()
    await asyncio.sleep(0)
    release.set()
    async with asyncio.timeout(WAIT_SECONDS):
        with pytest.raises(asyncio.CancelledError):
            await running
    await threads.close()
