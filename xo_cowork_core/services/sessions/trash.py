"""The trash: transcript files of deleted sessions, kept in the state folder for 30 days. Messages
that the host stored of such a session stay in `state.db` as long.

One task belongs to `Trash`, from `start` to `stop`: it empties the trash at start and once a day.
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
    """Moves files into the trash and back, and removes old ones. Its rows are in `state.db`."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._folder = folder
        self._places: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def places(self) -> Mapping[str, str]:
        """The place of each file in the trash, by its original path. A live view."""
        return self._places

    async def start(self, on_removed: Callable[[str], None]) -> None:
        """Load the rows; empty the trash now and daily in the background. `on_removed` is called
        with each session whose messages were removed from `state.db`."""
        self._places.update(
            await self._database.read(
                lambda connection: connection.execute("SELECT original, kept FROM trash").fetchall()
            )
        )
        self._task = asyncio.create_task(self._empty_daily(on_removed), name="trash")

    async def stop(self) -> None:
        """End the task."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def add(self, session_id: str, path: Path) -> None:
        """Move a file of a session here. One that can't be moved stays where it is."""
        place = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
        kept = self._folder / session_id / place / path.name
        now = stamp(self._clock.now())
        # the row first: after a crash between the two, `restore` still works
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO trash (session_id, original, kept, deleted_at)"
                " VALUES (?, ?, ?, ?)",
                (session_id, str(path), str(kept), now),
            )
        )
        # before the move, so that a scan finds the file in one of the two places
        self._places[str(path)] = str(kept)
        try:
            await asyncio.to_thread(_move, path, kept)
        except OSError as error:
            # the session is hidden; its file stays at its original path
            log.error("%s could not be moved to the trash: %s", path, error.strerror)

    async def restore(self, session_id: str) -> int:
        """Move a session's files back and make it visible again; return the number of files.

        Raises NotFound when the session is not deleted, and Conflict when another file has the
        original path of one of its files: then nothing is moved.
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
        await self._database.write(lambda connection: _delete_rows(connection, session_id))
        return len(rows)

    async def empty(self) -> Sequence[str]:
        """Remove what was deleted more than 30 days ago. Return the sessions whose messages were
        removed from `state.db`."""
        limit = stamp(self._clock.now() - KEEP)
        files, sessions = await self._database.write(
            lambda connection: (
                _empty(connection, limit),
                _delete_stored_messages(connection, limit),
            )
        )
        for original in files:
            self._places.pop(original, None)
        if files:
            log.info("%d files of sessions deleted 30 days ago were removed", len(files))
        return sessions

    async def _empty_daily(self, on_removed: Callable[[str], None]) -> None:
        while True:
            try:
                for session_id in await self.empty():
                    on_removed(session_id)
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
        # between two file systems a move is a copy: remove an incomplete one
        if source.exists():
            target.unlink(missing_ok=True)
        raise


def _is_deleted(connection: sqlite3.Connection, session_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM session_flags WHERE session_id = ? AND deleted_at IS NOT NULL",
        (session_id,),
    ).fetchone()
    return row is not None


def _delete_rows(connection: sqlite3.Connection, session_id: str) -> None:
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


def _delete_stored_messages(connection: sqlite3.Connection, limit: str) -> list[str]:
    """Delete the host's messages of old deleted sessions; return these. Their flags stay, so that
    a runtime that still has such a session does not show it again."""
    rows = connection.execute(
        "SELECT session_id FROM session_flags f WHERE deleted_at < ?"
        " AND EXISTS (SELECT 1 FROM messages m WHERE m.session_id = f.session_id)",
        (limit,),
    ).fetchall()
    for table in ("messages", "sessions"):
        connection.executemany(f"DELETE FROM {table} WHERE session_id = ?", rows)  # noqa: S608
    return [session_id for (session_id,) in rows]
