"""A stream that is pruned while it is read ends with an error event, not an exception."""

import asyncio
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from xo_cowork_core.api.streaming.sse import DESYNC, SseEncoder
from xo_cowork_core.services.eventlog import log as log_module
from xo_cowork_core.services.eventlog.batches import BATCH_ENTRIES
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS


@dataclass
class Clock:
    """A clock that tests set."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


def begin(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO streams (stream_id, session_id, agent_name, text, host_history, started_at)"
        " VALUES ('s', 's', 'demo', '', 0, '2026-01-01')"
    )


async def recorded(database: Database, clock: Clock) -> None:
    """Record a stream of more than one block, to its end."""
    await database.write(begin)
    log = EventLog(database, clock)
    log.start()
    stream = log.open("s")
    for number in range(BATCH_ENTRIES + 10):
        stream.append(b"text-delta %d" % number)
    stream.append(b"done {}", terminal=True)
    log.mark_dirty(stream)
    await log.stop()


def test_a_reader_of_a_pruned_stream_gets_a_terminal_error(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        database = Database(tmp_path / "state.db", STEPS)
        database.open()
        await recorded(database, clock)
        log = EventLog(database, clock)
        reader = await open_reader(log, "s", 0)
        assert reader
        first = await reader.next(5)
        assert first
        assert (first.first_id, first.terminal, first.gap) == (1, False, False)
        clock.moment += timedelta(hours=25)
        assert await log.prune() == 1
        last = await reader.next(5)
        assert last
        assert (SseEncoder().encode(last), last.terminal) == (DESYNC, True)
        assert await open_reader(log, "s", 0) is None
        await database.close()

    asyncio.run(run())


def test_streams_are_pruned_at_the_start_and_then_once_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    pruned = 0
    sleep = asyncio.sleep

    async def prune() -> int:
        nonlocal pruned
        pruned += 1
        await sleep(0)
        return 0

    async def wait(seconds: float) -> None:
        pauses.append(seconds)
        await (sleep(0) if len(pauses) < 3 else asyncio.Event().wait())

    async def run() -> None:
        database = Database(tmp_path / "state.db", STEPS)
        database.open()
        log = EventLog(database, Clock())
        monkeypatch.setattr(log, "prune", prune)
        monkeypatch.setattr(log_module.asyncio, "sleep", wait)
        log.start()
        for _ in range(20):
            await sleep(0)
        await log.stop()
        await database.close()
        assert (pruned, pauses) == (3, [3600.0] * 3)

    asyncio.run(run())


def test_pruning_returns_the_space_a_few_pages_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "PAGES_PER_WRITE", 2)

    async def run() -> tuple[int, int]:
        clock = Clock()
        database = Database(tmp_path / "state.db", STEPS)
        database.open()
        await recorded(database, clock)
        pages = await database.read(page_counts)
        clock.moment += timedelta(hours=25)
        await EventLog(database, clock).prune()
        left = await database.read(page_counts)
        await database.close()
        assert left["page_count"] < pages["page_count"] - 2
        return pages["freelist_count"], left["freelist_count"]

    assert asyncio.run(run()) == (0, 0)


def page_counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = ("page_count", "freelist_count")
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
