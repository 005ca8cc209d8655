"""Opening a database that needs no migration."""

import asyncio
from pathlib import Path

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
