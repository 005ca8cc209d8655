"""The in-memory end of a stream and its readers, against a plain list."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.eventlog import batches as batches_module
from xo_cowork_core.services.eventlog import log as log_module
from xo_cowork_core.services.eventlog import stream as stream_module
from xo_cowork_core.services.eventlog.batches import Entry, entry_of, pack, split, unpack
from xo_cowork_core.services.eventlog.log import EventLog, StoredStream, insert_batches
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.eventlog.stream import Stream
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import STEPS

json_lines = st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b" "))
names = st.sampled_from(["text-delta", "tool-call", "done"])
entries = st.builds(entry_of, names, json_lines)


@given(st.lists(entries, min_size=1, max_size=50))
def test_a_packed_block_reads_back_as_it_was(block: list[Entry]) -> None:
    assert unpack(pack(block)) == block


@given(names, json_lines)
def test_an_entry_splits_into_what_it_was_made_of(name: str, data: bytes) -> None:
    assert split(entry_of(name, data)) == (name, data)


def new_log(folder: Path) -> tuple[Database, EventLog]:
    database = Database(folder / "state.db", STEPS)
    database.open()
    return database, EventLog(database, SystemClock())


async def add_stream(database: Database, log: EventLog, stream_id: str = "s") -> Stream:
    await database.write(
        lambda connection: connection.execute(
            "INSERT INTO streams (stream_id, session_id, agent_name, text, host_history,"
            " started_at) VALUES (?, 'x', 'demo', 'hi', 0, '2026')",
            (stream_id,),
        )
    )
    return log.open(stream_id)


def put(log: EventLog, stream: Stream, number: int, *, terminal: bool = False) -> None:
    stream.append(entry_of("text-delta", b'{"n":%d}' % number), terminal=terminal)
    log.mark_dirty(stream)


async def end(log: EventLog, stream: Stream, number: int) -> None:
    put(log, stream, number, terminal=True)
    await log.wait_for_end(stream)
    stream.show_end()


async def read_all(log: EventLog, stream_id: str, last_seen: int) -> list[tuple[int, bytes]]:
    while (live := log.live(stream_id)) and live.last_id < last_seen:
        await live.wait_for_entries(live.last_id, 5.0)
    reader = await open_reader(log, stream_id, last_seen)
    assert reader
    got: list[tuple[int, bytes]] = []
    while True:
        block = await reader.next(5.0)
        assert block, "the stream fell silent before its end"
        got += [(block.first_id + n, split(entry)[1]) for n, entry in enumerate(block.entries)]
        if block.terminal:
            return got


@pytest.mark.parametrize("memory_bytes", [1, 2000, 1 << 20])
@settings(max_examples=8, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    starts=st.lists(st.integers(0, 300), max_size=6),
)
def test_every_reader_gets_every_entry_wherever_it_starts_and_whatever_memory_holds(
    memory_bytes: int, sizes: list[int], starts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_module, "MEMORY_BYTES", memory_bytes)
        patch.setattr(batches_module, "BATCH_ENTRIES", 7)
        folder = tmp_path_factory.mktemp("log")
        asyncio.run(_write_and_read(folder, sizes, starts))


async def _write_and_read(folder: Path, sizes: list[int], starts: list[int]) -> None:
    database, log = new_log(folder)
    log.start()
    stream = await add_stream(database, log)
    total = sum(sizes) + 1
    places = [0, *[start % total for start in starts]]
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(read_all(log, "s", place)) for place in places]
        number = 0
        for size in sizes:
            for _ in range(size):
                number += 1
                put(log, stream, number)
            await asyncio.sleep(0.001)
        await end(log, stream, number + 1)
    await log.stop()
    late = await read_all(EventLog(database, SystemClock()), "s", 0)
    await database.close()
    expected = [(n, b'{"n":%d}' % n) for n in range(1, total + 1)]
    assert late == expected
    for place, read in zip(places, reads, strict=True):
        assert read.result() == expected[place:]


def _full(_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


@pytest.fixture
def broken_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr("xo_cowork_core.services.eventlog.log.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("xo_cowork_core.services.eventlog.log.END_SECONDS", 600.0)
    monkeypatch.setattr(
        "xo_cowork_core.services.eventlog.log.insert_batches", lambda *_: _full(None)
    )
    return monkeypatch.undo


def test_a_disk_that_fails_is_tried_again_after_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def fail(*_: object) -> None:
        nonlocal tries
        tries += 1
        _full(None)

    monkeypatch.setattr(log_module, "RETRY_SECONDS", 600.0)
    monkeypatch.setattr(log_module, "COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(log_module, "insert_batches", fail)

    async def run() -> None:
        database, log = new_log(tmp_path)
        log.start()
        put(log, await add_stream(database, log), 1)
        async with asyncio.timeout(20):
            while not log.failing:
                await asyncio.sleep(0.01)
        for _ in range(20):
            # a further try would be in this queue
            await database.write(lambda connection: None)
        assert tries == 1
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await database.close()

    asyncio.run(run())


def test_a_full_disk_stops_no_stream_and_nothing_is_lost_once_there_is_room(
    tmp_path: Path, broken_disk: Callable[[], None]
) -> None:
    async def scenario() -> None:
        database, log = new_log(tmp_path)
        log.start()
        stream = await add_stream(database, log)
        read = asyncio.create_task(read_all(log, "s", 0))
        for number in range(1, 500):
            put(log, stream, number)
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while not log.failing:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            await end(log, stream, 500)
        assert len(await read) == 500, "a live reader needs no disk"
        broken_disk()
        async with asyncio.timeout(20):
            while log.failing:
                await asyncio.sleep(0.01)
        await log.stop()
        assert len(await read_all(EventLog(database, SystemClock()), "s", 0)) == 500
        await database.close()

    asyncio.run(scenario())


def test_on_a_full_disk_memory_is_bounded_and_a_late_reader_gets_a_gap(
    tmp_path: Path, broken_disk: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "LOST_BYTES", 6_000)

    async def scenario() -> None:
        database, log = new_log(tmp_path)
        log.start()
        stream = await add_stream(database, log)
        for number in range(1, 2001):
            put(log, stream, number)
        async with asyncio.timeout(20):
            while stream.first_id == 1:
                await asyncio.sleep(0.01)
        reader = await open_reader(log, "s", 0)
        assert reader
        block = await reader.next(20.0)
        assert block
        assert block.gap
        assert block.first_id == stream.first_id
        assert block.first_id > 1800
        await log.stop()
        await database.close()

    asyncio.run(scenario())


def test_a_reader_gets_the_terminal_entry_when_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()

    def insert_slowly(*arguments: Any) -> None:
        assert may_write.wait(30)
        insert_batches(*arguments)

    monkeypatch.setattr(log_module, "insert_batches", insert_slowly)

    async def scenario() -> None:
        database, log = new_log(tmp_path)
        log.start()
        stream = await add_stream(database, log)
        put(log, stream, 1)
        ending = asyncio.create_task(end(log, stream, 2))
        reader = await open_reader(log, "s", 0)
        assert reader
        first = await reader.next(20.0)
        assert first
        assert (first.last_id, first.terminal) == (1, False), "a live entry needs no disk"
        assert await reader.next(0.1) is None
        late = await open_reader(log, "s", 2)
        assert late
        assert await late.next(0.1) is None
        may_write.set()
        last = await reader.next(20.0)
        assert last
        assert (last.last_id, last.terminal) == (2, True)
        assert await late.next(20.0) == last
        await ending
        await log.stop()
        await database.close()

    asyncio.run(scenario())


def test_a_disk_that_takes_too_long_does_not_hold_the_end_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_module, "END_SECONDS", 0.05)
    may_write = threading.Event()
    monkeypatch.setattr(log_module, "insert_batches", lambda *_: may_write.wait(30))

    async def scenario() -> None:
        database, log = new_log(tmp_path)
        log.start()
        stream = await add_stream(database, log)
        await end(log, stream, 1)
        assert "the end of stream s is not saved" in caplog.text
        may_write.set()
        await log.stop()
        await database.close()

    asyncio.run(scenario())


def test_a_silent_stream_gives_none_after_the_timeout(tmp_path: Path) -> None:
    async def scenario() -> None:
        database, log = new_log(tmp_path)
        await add_stream(database, log)
        reader = await open_reader(log, "s", 0)
        assert reader
        assert await reader.next(0.01) is None
        await database.close()

    asyncio.run(scenario())


def test_a_stream_that_begins_while_it_is_looked_for_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        database, log = new_log(tmp_path)
        await add_stream(database, log)
        log.discard("s")
        find_stored = log.stored

        async def stored(stream_id: str) -> StoredStream | None:
            row = await find_stored(stream_id)
            put(log, log.open(stream_id), 1)
            return row

        monkeypatch.setattr(log, "stored", stored)
        reader = await open_reader(log, "s", 0)
        assert reader
        batch = await reader.next(5.0)
        assert batch
        assert [split(entry)[1] for entry in batch.entries] == [b'{"n":1}']
        await database.close()

    asyncio.run(run())


def test_a_stream_that_ends_while_it_is_looked_for_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        database, log = new_log(tmp_path)
        log.start()
        stream = await add_stream(database, log)
        await end(log, stream, 1)
        await log.stop()
        log = EventLog(database, SystemClock())
        find_stored, moments = log.stored, iter((None, "2026"))

        async def stored(stream_id: str) -> StoredStream | None:
            row = await find_stored(stream_id)
            return row and row._replace(ended_at=next(moments))

        monkeypatch.setattr(log, "stored", stored)
        reader = await open_reader(log, "s", 0)
        assert reader
        batch = await reader.next(5.0)
        assert batch
        assert (batch.terminal, len(batch.entries)) == (True, 1)
        await database.close()

    asyncio.run(run())
