"""A database returns the space that it no longer needs."""

import asyncio
from pathlib import Path

from xo_cowork_core.storage.database import Database

STEPS = ("CREATE TABLE words (word BLOB)",)
ROWS = 3000


def test_compacting_shrinks_the_file_and_its_log(tmp_path: Path) -> None:
    file, log = tmp_path / "test.db", tmp_path / "test.db-wal"

    async def scenario() -> None:
        database = Database(file, STEPS)
        database.open()
        try:
            await database.write(
                lambda connection: connection.executemany(
                    "INSERT INTO words VALUES (randomblob(2000))", [()] * ROWS
                )
            )
            await database.write(lambda connection: connection.execute("DELETE FROM words"))
            full = file.stat().st_size + log.stat().st_size
            await database.compact(full + 1)
            assert file.stat().st_size + log.stat().st_size == full
            await database.compact(1)
            assert file.stat().st_size < 100_000
            assert log.stat().st_size == 0
        finally:
            await database.close()

    asyncio.run(scenario())
