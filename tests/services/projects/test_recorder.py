"""Events of turns are written soon and in order, and wait while a project's lock is held."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from xo_cowork_core.sdk import Turn, TurnOutcome, Unavailable
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.schema import STEPS
from xo_cowork_core.services.projects import project_files as files_module
from xo_cowork_core.services.projects import recorder as recorder_module
from xo_cowork_core.services.projects import write_queue
from xo_cowork_core.services.projects.project_files import ProjectFiles
from xo_cowork_core.services.projects.project_stats import ProjectStats
from xo_cowork_core.services.projects.recorder import ProjectRecorder
from xo_cowork_core.services.projects.todos import TodoChange, Todos
from xo_cowork_core.services.projects.write_queue import WriteQueue
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.usage.prices import Prices
from xo_cowork_core.services.usage.report import UsageReports
from xo_cowork_core.storage.database import Database

SECONDS = 30.0


class Lock:
    """Another program that holds a project's lock."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / ".xo", os.O_RDONLY)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def release(self) -> None:
        os.close(self._handle)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "projects" / "mine" / ".xo").mkdir(parents=True)
    return tmp_path / "projects"


def empty_stats(folder: Path, queue: WriteQueue) -> ProjectStats:
    """Return the statistics of an empty index."""
    clock = SystemClock()
    database = Database(folder / "index.db", STEPS)
    index = Index(database, Indexer(database, Registry(), lambda _: None), lambda _: None)
    return ProjectStats(index, UsageReports(index, Prices(folder), clock), clock, queue.request)


@asynccontextmanager
async def recording(root: Path) -> AsyncIterator[ProjectRecorder]:
    files, queue = ProjectFiles(root), WriteQueue()
    stats = empty_stats(root.parent, queue)
    recorder = ProjectRecorder(files, SystemClock(), stats, queue)
    await recorder.start()
    yield recorder
    await recorder.stop()
    await files.close()


def running(cwd: Path, session_id: str = "s") -> Any:
    """A turn as far as the recorder looks at it."""
    return SimpleNamespace(
        turn=Turn(stream_id=session_id, session_id=session_id, text="SECRET", cwd=cwd),
        owner=SimpleNamespace(info=SimpleNamespace(name="demo")),
        started_at=datetime.now(UTC),
        add_observer=lambda observe: None,
        terminal=None,
        outcome=TurnOutcome("stop"),
    )


def kinds(root: Path) -> list[str]:
    path = root / "mine" / ".xo" / "timeline.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["type"] for line in lines]


async def until(root: Path, wanted: list[str]) -> None:
    async with asyncio.timeout(SECONDS):
        while kinds(root) != wanted:
            await asyncio.sleep(0.01)


def test_a_stop_writes_what_waits(root: Path) -> None:
    async def run() -> None:
        async with recording(root) as recorder:
            turn = running(root / "mine")
            recorder.turn_started(turn)
            recorder.turn_ended(turn)

    asyncio.run(run())
    assert kinds(root) == ["session.started", "session.ended"]


def test_what_a_lock_kept_waiting_is_written_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(files_module, "LOCK_SECONDS", 0.05)

    async def run() -> None:
        async with recording(root) as recorder:
            lock = Lock(root / "mine")
            turn = running(root / "mine")
            recorder.turn_started(turn)
            async with asyncio.timeout(SECONDS):
                while recorder.retries < 2:
                    await asyncio.sleep(0.01)
            assert kinds(root) == []
            lock.release()
            await until(root, ["session.started"])
            recorder.turn_ended(turn)

    asyncio.run(run())
    assert kinds(root) == ["session.started", "session.ended"]


def test_a_deleted_project_is_not_recreated_and_others_continue(root: Path) -> None:
    async def run() -> None:
        async with recording(root) as recorder:
            recorder.turn_started(running(root / "gone", "a"))
            recorder.turn_started(running(root / "mine", "b"))

    asyncio.run(run())
    assert kinds(root) == ["session.started"]
    assert not (root / "gone").exists()


def test_a_root_that_cannot_be_read_at_the_start_ends_no_record(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        aside = root.rename(root.with_name("aside"))
        root.write_text("no folder")
        async with recording(root) as recorder:
            async with asyncio.timeout(SECONDS):
                while "cannot be read" not in caplog.text:
                    await asyncio.sleep(0.01)
            root.unlink()
            aside.rename(root)
            recorder.turn_started(running(root / "mine"))
            await until(root, ["session.started"])

    asyncio.run(run())


def test_facts_beyond_the_bound_are_dropped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_queue, "MAX_EVENTS", 3)

    async def run() -> None:
        async with recording(root) as recorder:
            for number in range(5):
                recorder.turn_started(running(root / "mine", f"s{number}"))

    asyncio.run(run())
    assert kinds(root) == ["session.started"] * 3
    activity = json.loads((root / "mine" / ".xo" / "activity.json").read_text())
    assert len(activity["open_sessions"]) == 5


def test_a_todo_waits_for_the_lock_and_times_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "LOCK_SECONDS", 0.2)

    async def run() -> None:
        files = ProjectFiles(root)
        todos = Todos(files, SystemClock())
        lock = Lock(root / "mine")
        with pytest.raises(Unavailable) as refused:
            await todos.add("mine", TodoChange("x"))
        assert refused.value.retry_after
        assert await todos.list("mine") == []
        lock.release()
        await todos.add("mine", TodoChange("x"))
        assert [todo.content for todo in await todos.list("mine")] == ["x"]
        await files.close()

    asyncio.run(run())
