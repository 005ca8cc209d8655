"""The trash: transcript files of deleted sessions, kept in the state folder for `KEEP`. What the
host itself kept of such a session stays in `state.db` as long.

One task belongs to it, from `start` to `stop`: it empties the trash at start and once a day.
"""

import asyncio
import hashlib
import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from xo_cowork_core.sdk import Conflict, NotFound
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database

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

    async def start(self, gone: Callable[[str], None]) -> None:
        """Learn what is in it; empty it now and daily, in the background. `gone` hears of each
        session whose messages were the host's and are no more."""
        self._places.update(
            await self._database.read(
                lambda connection: connection.execute("SELECT original, kept FROM trash").fetchall()
            )
        )
        self._task = asyncio.create_task(self._tend(gone), name="trash")

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

        Raises NotFound when the session was not deleted, and Conflict when another file lies where
        one of its files lay: then nothing was moved.
        """
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT original, kept FROM trash WHERE session_id = ?", (session_id,)
            ).fetchall()
        )
        if not rows and not await self._database.read(lambda db: _is_deleted(db, session_id)):
            raise NotFound("No such session in the trash")
        pairs = [(Path(kept), Path(original)) for original, kept in rows]
        for kept, original in pairs:
            if kept.exists() and original.exists():
                raise Conflict(f"Another file is there again, move it away first: {original}")
        for kept, original in pairs:
            await asyncio.to_thread(_move, kept, original)
        await self._database.write(lambda connection: _forget(connection, session_id))
        return len(rows)

    async def empty(self) -> Sequence[str]:
        """Remove what was deleted more than 30 days ago; return the sessions that the host kept."""
        limit = stamp(self._clock.now() - KEEP)
        files, sessions = await self._database.write(
            lambda connection: (_empty(connection, limit), _forget_kept(connection, limit))
        )
        for original in files:
            self._places.pop(original, None)
        if files:
            log.info("%d files of sessions deleted 30 days ago were removed", len(files))
        return sessions

    async def _tend(self, gone: Callable[[str], None]) -> None:
        while True:
            try:
                for session_id in await self.empty():
                    gone(session_id)
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


def _forget_kept(connection: sqlite3.Connection, limit: str) -> list[str]:
    """Remove the messages that the host kept. That they were deleted stays known, so that nobody
    who still has them shows them again."""
    rows = connection.execute(
        "SELECT session_id FROM session_flags f WHERE deleted_at < ?"
        " AND EXISTS (SELECT 1 FROM messages m WHERE m.session_id = f.session_id)",
        (limit,),
    ).fetchall()
    for table in ("messages", "sessions"):
        connection.executemany(f"DELETE FROM {table} WHERE session_id = ?", rows)  # noqa: S608
    return [session_id for (session_id,) in rows]
