"""Opening a database that needs no migration, and connections that fail."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from xo_cowork_core.storage import database as database_module
from xo_cowork_core.storage.database import Database

STEPS = ("CREATE TABLE words (word TEXT)",)


def test_opening_an_existing_file_does_not_write_to_it(tmp_path: Path) -> None:
    file, log = tmp_path / "test.db", tmp_path / "test.db-wal"

    async def open_and_read() -> int:
        database = Database(file, STEPS)
        database.open()
        try:
            rows = await database.read(lambda db: db.execute("SELECT * FROM words").fetchall())
            assert rows == []
            return log.stat().st_size
        finally:
            await database.close()

    asyncio.run(open_and_read())
    content = file.read_bytes()
    assert asyncio.run(open_and_read()) == 0
    # the counter of changes in its header is the same
    assert file.read_bytes() == content


@pytest.mark.parametrize("reopens_again", [True, False])
def test_a_reader_whose_new_connection_failed_connects_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reopens_again: bool
) -> None:
    monkeypatch.setattr(database_module, "READERS", 1)
    connect = Database._connect

    def fail(*_: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    def ask(connection: sqlite3.Connection) -> int:
        return connection.execute("SELECT 1").fetchone()[0]

    async def run() -> int:
        database = Database(tmp_path / "file.db", [])
        database.open()
        await database.read(ask)
        await database.reopen()
        monkeypatch.setattr(Database, "_connect", fail)
        with pytest.raises(sqlite3.OperationalError):
            await database.read(ask)
        monkeypatch.setattr(Database, "_connect", connect)
        if reopens_again:
            await database.reopen()
        answer = await database.read(ask)
        await database.close()
        return answer

    assert asyncio.run(run()) == 1
