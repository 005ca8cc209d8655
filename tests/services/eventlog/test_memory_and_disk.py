"""What leaves the memory of a stream, and what a reader gets from memory, from disk, or no more."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.services.eventlog import stream as stream_module
from xo_cowork_core.services.eventlog.batches import EventBatch, entry_of
from xo_cowork_core.services.eventlog.log import EventLog, insert_batches
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.eventlog.stream import Stream
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

NOW = "2026-01-01T00:00:00.000+00:00"


def entries(first: int, last: int) -> list[bytes]:
    return [entry_of("text-delta", b'{"n":%d}' % number) for number in range(first, last + 1)]


def stream_of(count: int) -> Stream:
    stream = Stream("s")
    for entry in entries(1, count):
        stream.append(entry)
    return stream


def open_database(folder: Path) -> Database:
    database = Database(folder / "state.db", STEPS)
    database.open()
    return database


def insert_stream(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO streams (stream_id, session_id, agent_name, text, host_history, started_at)"
        " VALUES ('s', 'x', 'demo', 'hi', 0, ?)",
        (NOW,),
    )


def test_entries_that_are_not_on_disk_stay_in_memory_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "MEMORY_BYTES", 1)
    stream = stream_of(5)
    stream.mark_saved(EventBatch(1, entries(1, 2)))
    assert stream.after(1) is None, "the saved ones have left"
    assert stream.after(2) == EventBatch(3, entries(3, 5))
    assert stream.unsaved() == EventBatch(3, entries(3, 5))
    stream.mark_saved(EventBatch(3, entries(3, 5)))
    assert stream.first_id == 6


@pytest.mark.parametrize(("more", "first_id"), [(-1, 4), (0, 3), (1, 3)])
def test_memory_keeps_saved_entries_up_to_its_limit(
    monkeypatch: pytest.MonkeyPatch, more: int, first_id: int
) -> None:
    size = len(entries(1, 1)[0]) + stream_module.ENTRY_OVERHEAD_BYTES
    monkeypatch.setattr(stream_module, "MEMORY_BYTES", 3 * size + more)
    stream = stream_of(5)
    stream.mark_saved(stream.unsaved())
    assert stream.first_id == first_id


@in_event_loop
async def test_a_live_reader_far_behind_reads_the_disk_and_then_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "MEMORY_BYTES", 1)
    database = open_database(tmp_path)
    log = EventLog(database, FakeClock())
    await database.write(insert_stream)
    stream = log.open("s")
    for entry in entries(1, 5):
        stream.append(entry)
    saved = EventBatch(1, entries(1, 3))
    await database.write(lambda connection: insert_batches(connection, [("s", saved)], NOW))
    stream.mark_saved(saved)
    reader = await open_reader(log, "s", 1)
    assert reader
    assert await reader.next(1) == EventBatch(2, entries(2, 3))
    assert await reader.next(1) == EventBatch(4, entries(4, 5))
    await database.close()


@in_event_loop
async def test_evicted_entries_leave_a_gap_that_the_next_batch_names_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "LOST_BYTES", 1)
    database = open_database(tmp_path)
    log = EventLog(database, FakeClock())
    await database.write(insert_stream)
    stream = log.open("s")
    for entry in entries(1, 3):
        stream.append(entry)
    reader = await open_reader(log, "s", 0)
    assert reader
    stream.evict_oldest()
    monkeypatch.undo()
    stream.append(entries(4, 4)[0])
    assert await reader.next(1) == EventBatch(4, entries(4, 4), gap=True)
    stream.append(entries(5, 5)[0], terminal=True)
    stream.show_end()
    assert await reader.next(1) == EventBatch(5, entries(5, 5), terminal=True)
    await database.close()


@pytest.mark.parametrize(
    ("last_seen", "first_id", "gap"),
    [(0, 1, False), (2, 3, False), (3, 4, False), (4, 4, True), (9, 4, True)],
)
@in_event_loop
async def test_a_reader_that_saw_more_than_a_restart_kept_gets_a_gap(
    tmp_path: Path, last_seen: int, first_id: int, gap: bool
) -> None:
    """Ids 1 to 3 were on disk at the restart, which gave id 4 to its terminal entry."""
    database = open_database(tmp_path)

    def insert(connection: sqlite3.Connection) -> None:
        insert_stream(connection)
        insert_batches(connection, [("s", EventBatch(1, entries(1, 3)))], NOW)
        insert_batches(connection, [("s", EventBatch(4, entries(4, 4), terminal=True))], NOW)
        connection.execute("UPDATE streams SET cut = 4")

    await database.write(insert)
    reader = await open_reader(EventLog(database, FakeClock()), "s", last_seen)
    assert reader
    batch = await reader.next(1)
    assert batch
    assert (batch.first_id, batch.gap) == (first_id, gap)
    while not batch.terminal:
        batch = await reader.next(1)
        assert batch
    assert batch.last_id == 4
    await database.close()


@in_event_loop
async def test_a_waiting_reader_wakes_for_a_new_entry_and_leaves_nothing_when_it_is_cancelled() -> (
    None
):
    stream = Stream("s")
    waiting = asyncio.create_task(stream.wait_for_entries(0, 60))
    gone = asyncio.create_task(stream.wait_for_entries(0, 60))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    stream.append(entries(1, 1)[0])
    assert await waiting
