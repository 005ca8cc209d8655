"""The trash: transcript files of deleted sessions, kept in the state folder for `KEEP`.

One task belongs to it, from `start` to `stop`: it empties the trash at start and once a day.
"""

import asyncio
import hashlib
import logging
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.db import Database

KEEP = timedelta(days=30)
DAY_SECONDS = 86400.0
log = logging.getLogger("xo_cowork.sessions")


class Trash:
    """Takes files in, gives them back, forgets old ones. Its rows are in `state.db`."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._places: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def places(self) -> Mapping[str, str]:
        """Where each file lies that was thrown, by where it lay before; changes as they do."""
        return self._places

    async def start(self) -> None:
        """Learn what is in it; empty it now and daily, in the background."""
        self._places.update(
            await self._database.read(
                lambda connection: connection.execute("SELECT original, kept FROM trash").fetchall()
            )
        )
        self._task = asyncio.create_task(self._tend(), name="trash")

    async def stop(self) -> None:
        """End the task."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def throw(self, session_id: str, path: Path) -> None:
        """Move a file of a session here. One that can't be moved stays where it is."""
        place = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
        kept = self._folder / session_id / place / path.name
        now = stamp(self._clock.now())
        # the row first: a crash between the two leaves a row that `restore` can still use
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO trash (session_id, original, kept, deleted_at)"
                " VALUES (?, ?, ?, ?)",
                (session_id, str(path), str(kept), now),
            )
        )
        # before the move, so that nobody who looks finds it in neither place
        self._places[str(path)] = str(kept)
        try:
            await asyncio.to_thread(_move, path, kept)
        except OSError as error:
            # the session is hidden already; its file is no more lost than it was
            log.error("%s could not be moved to the trash: %s", path, error.strerror)

    async def restore(self, session_id: str) -> int:
        """Move a session's files back to where they were, and show it again; say how many files.

        Raises NotFound when the session was not deleted.
        """
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT original, kept FROM trash WHERE session_id = ?", (session_id,)
            ).fetchall()
        )
        if not rows and not await self._database.read(lambda db: _is_deleted(db, session_id)):
            raise NotFound("No such session in the trash")
        for original, kept in rows:
            await asyncio.to_thread(_move, Path(kept), Path(original))
        await self._database.write(lambda connection: _forget(connection, session_id))
        return len(rows)

    async def empty(self) -> int:
        """Remove what was deleted more than 30 days ago; say how many files."""
        limit = stamp(self._clock.now() - KEEP)
        gone = await self._database.write(lambda connection: _empty(connection, limit))
        for original in gone:
            self._places.pop(original, None)
        return len(gone)

    async def _tend(self) -> None:
        while True:
            try:
                removed = await self.empty()
                if removed:
                    log.info("%d files of sessions deleted 30 days ago were removed", removed)
            except (OSError, sqlite3.Error) as error:
                log.error("the trash could not be emptied: %s", error)
            await asyncio.sleep(DAY_SECONDS)


def _move(source: Path, target: Path) -> None:
    if not source.exists() or target.exists():
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.move(source, target)
    except OSError:
        # between two file systems a move is a copy: half of one would stand in a whole one's place
        if source.exists():
            target.unlink(missing_ok=True)
        raise


def _is_deleted(connection: sqlite3.Connection, session_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM session_flags WHERE session_id = ? AND deleted_at IS NOT NULL",
        (session_id,),
    ).fetchone()
    return row is not None


def _forget(connection: sqlite3.Connection, session_id: str) -> None:
    connection.execute("DELETE FROM trash WHERE session_id = ?", (session_id,))
    connection.execute(
        "UPDATE session_flags SET deleted_at = NULL WHERE session_id = ?", (session_id,)
    )


def _empty(connection: sqlite3.Connection, limit: str) -> list[str]:
    rows = connection.execute(
        "SELECT session_id, original, kept FROM trash WHERE deleted_at < ?", (limit,)
    ).fetchall()
    for session_id, original, kept in rows:
        Path(kept).unlink(missing_ok=True)
        with suppress(OSError):  # others are still in there
            Path(kept).parent.rmdir()
            Path(kept).parents[1].rmdir()
        connection.execute(
            "DELETE FROM trash WHERE session_id = ? AND original = ?", (session_id, original)
        )
    return [original for _, original, _ in rows]
