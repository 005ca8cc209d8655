"""Writes that wait for each other's commit: kept together, undone apart."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from xo_cowork_core.storage.database import Database

SCHEMA = ("CREATE TABLE words (word TEXT) STRICT",)
PAGES = 40
LIMIT_SECONDS = 15.0
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Database]:
    found = Database(folder / "words.db", SCHEMA)
    found.open()
    try:
        yield found
    finally:
        await found.close()


def keep(word: str) -> Callable[[sqlite3.Connection], str]:
    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        return word

    return work


def keep_and_fail(connection: sqlite3.Connection) -> str:
    keep("undone")(connection)
    raise LookupError("on purpose")


async def words(database: Database) -> list[str]:
    rows = await database.read(lambda c: c.execute("SELECT word FROM words").fetchall())
    return [word for (word,) in rows]


class Gate:
    """Holds the writing thread until everything that is to wait behind it is there."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.commits = 0

    def hold(self, connection: sqlite3.Connection) -> str:
        connection.set_trace_callback(self._note)
        assert self.opened.wait(LIMIT_SECONDS)
        return "held"

    def _note(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


async def all_at_once(
    database: Database, works: list[Callable[[sqlite3.Connection], str]]
) -> tuple[list[str | BaseException], int]:
    gate = Gate()
    held = asyncio.create_task(database.write(gate.hold))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.opened.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        await held
        return await asyncio.gather(*waiting, return_exceptions=True), gate.commits - 1


async def test_writes_that_wait_are_committed_together_and_in_order(tmp_path: Path) -> None:
    wanted = [f"word {n}" for n in range(50)]
    async with database(tmp_path) as found:
        results, commits = await all_at_once(found, [keep(word) for word in wanted])
        assert results == wanted
        assert await words(found) == wanted
        assert commits == 1


async def test_a_write_that_raises_is_undone_alone(tmp_path: Path) -> None:
    async with database(tmp_path) as found:
        results, _ = await all_at_once(found, [keep("before"), keep_and_fail, keep("after")])
        assert (results[0], results[2]) == ("before", "after")
        assert isinstance(results[1], LookupError)
        assert await words(found) == ["before", "after"]


async def test_nothing_counts_as_written_that_a_full_disk_undid(tmp_path: Path) -> None:
    def fill(connection: sqlite3.Connection) -> str:
        connection.execute(f"PRAGMA max_page_count = {PAGES}")
        connection.execute("INSERT INTO words VALUES (?)", ("x" * 4096 * PAGES,))
        return "too much"

    async with database(tmp_path) as found:
        results, _ = await all_at_once(found, [keep("before"), fill, keep("after")])
        kept = await words(found)
        assert isinstance(results[1], sqlite3.OperationalError)
        assert kept == [each for each in results if isinstance(each, str)]
        assert await found.write(keep("later")) == "later"


async def test_a_caller_that_goes_away_leaves_the_others_their_answers(tmp_path: Path) -> None:
    async with database(tmp_path) as found:
        gate = Gate()
        held = asyncio.create_task(found.write(gate.hold))
        await asyncio.sleep(0)
        left, stays = (asyncio.create_task(found.write(keep(word))) for word in ("gone", "here"))
        await asyncio.sleep(0)
        left.cancel()
        gate.opened.set()
        async with asyncio.timeout(LIMIT_SECONDS):
            assert await stays == "here"
            with pytest.raises(asyncio.CancelledError):
                await left
        assert await held == "held"
