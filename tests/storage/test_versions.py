"""State of other versions: an older database is upgraded, a newer one is refused and kept."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import DURABLE_TABLES, STEPS


def open_and_close(path: Path, steps: tuple[str, ...] = STEPS) -> None:
    async def run() -> None:
        database = Database(path, steps, durable_tables=DURABLE_TABLES)
        try:
            database.open()
        finally:
            await database.close()

    asyncio.run(run())


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_the_database_of_each_older_version_is_upgraded_with_its_rows(
    tmp_path: Path, version: int
) -> None:
    file = tmp_path / "state.db"
    open_and_close(file, STEPS[:version])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "INSERT INTO project_sessions (project_name, session_id, time_updated)"
            " VALUES ('p', 's', 't')"
        )
        connection.commit()
    open_and_close(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
        rows = connection.execute("SELECT project_name FROM project_sessions").fetchall()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert rows == [("p",)]
    assert set(DURABLE_TABLES) <= tables
    assert [path.name for path in tmp_path.glob("*.broken-*")] == []


def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    open_and_close(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    content = file.read_bytes()
    with pytest.raises(sqlite3.OperationalError, match="newer server"):
        open_and_close(file)
    assert file.read_bytes() == content
