"""Sessions that the host ran or reserved: rows of `state.db`."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from xo_cowork_core.sdk import Conflict
from xo_cowork_core.services.index.session_rows import Flags, SessionRow
from xo_cowork_core.storage.database import Database

SELECT = (
    "SELECT h.session_id, h.agent_name, h.agent_id, h.directory, h.title, h.time_created,"
    " h.time_updated, h.reserved, f.title, f.directory, COALESCE(f.is_pinned, 0),"
    " f.deleted_at IS NOT NULL FROM sessions h LEFT JOIN session_flags f USING (session_id)"
)
SET = "SELECT session_id, title, directory, is_pinned, deleted_at IS NOT NULL FROM session_flags"


class HostedSession(NamedTuple):
    """A session that the host ran or reserved; a `reserved` one had no turn yet."""

    row: SessionRow
    agent_id: str | None
    reserved: bool
    flags: Flags


class HostedSessions:
    """Reads and writes these rows, and the flags that users set on any session.

    Hold `flags_lock` while flags are changed, or read for the index: the index then gets changes in
    the order in which they were stored.
    """

    def __init__(self, database: Database) -> None:
        self.flags_lock = asyncio.Lock()
        self._database = database

    async def all(self) -> list[HostedSession]:
        """Return every hosted session."""
        rows = await self._database.read(lambda connection: connection.execute(SELECT).fetchall())
        return [_hosted(row) for row in rows]

    async def one(self, session_id: str) -> HostedSession | None:
        """Return one session, also a deleted one."""
        row = await self._database.read(
            lambda connection: connection.execute(
                f"{SELECT} WHERE h.session_id = ?", (session_id,)
            ).fetchone()
        )
        return _hosted(row) if row else None

    async def reserve(self, row: SessionRow, agent_id: str | None) -> None:
        """Store a session that has no turn yet. Its title, if any, is a person's."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO sessions (session_id, agent_name, agent_id, directory, title,"
                " time_created, time_updated, reserved) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (
                    row.session_id,
                    row.agent_name,
                    agent_id,
                    row.directory,
                    row.title,
                    row.time_created,
                    row.time_updated,
                ),
            )
            if row.title:
                connection.execute(
                    "INSERT INTO session_flags (session_id, title) VALUES (?, ?)"
                    " ON CONFLICT (session_id) DO UPDATE SET title = excluded.title",
                    (row.session_id, row.title),
                )

        await self._database.write(work)

    async def set_agent_title(self, session_id: str, title: str) -> None:
        """Store the title that an agent gave a session; a person's title is shown instead."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE sessions SET title = ? WHERE session_id = ?", (title, session_id)
            )
        )

    async def flags(self) -> dict[str, Flags]:
        """Return the flags of every session that has any, hosted or not."""
        hosted = {session.row.session_id: session.flags for session in await self.all()}
        rows = await self._database.read(lambda connection: connection.execute(SET).fetchall())
        return {**{row[0]: _set(row) for row in rows}, **hosted}

    async def set_flags(
        self, session_id: str, *, title: str | None, directory: str | None, is_pinned: bool | None
    ) -> Flags:
        """Change some flags of a session and return all of them; None leaves a flag unchanged."""

        def work(connection: sqlite3.Connection) -> Flags:
            connection.execute(
                "INSERT INTO session_flags (session_id, title, directory, is_pinned)"
                " VALUES (?1, ?2, ?3, COALESCE(?4, 0)) ON CONFLICT (session_id) DO UPDATE SET"
                " title = COALESCE(?2, title), directory = COALESCE(?3, directory),"
                " is_pinned = COALESCE(?4, is_pinned)",
                (session_id, title, directory, is_pinned),
            )
            return _flags(connection, session_id)

        return await self._database.write(work)

    async def hide(self, session_id: str, now: str, running: Callable[[], str | None]) -> Flags:
        """Mark a session as deleted and return its flags.

        Raises Conflict when the stream that `running` returns is stored. The same thread stores
        turns and refuses those of a deleted session, so of a prompt and a delete at the same time
        one is refused.
        """

        def work(connection: sqlite3.Connection) -> Flags:
            stream_id = running()
            if stream_id and _is_stored(connection, stream_id):
                raise _still_running(stream_id, session_id)
            connection.execute(
                "INSERT INTO session_flags (session_id, deleted_at) VALUES (?1, ?2)"
                " ON CONFLICT (session_id) DO UPDATE SET deleted_at = ?2",
                (session_id, now),
            )
            return _flags(connection, session_id)

        return await self._database.write(work)


def _flags(connection: sqlite3.Connection, session_id: str) -> Flags:
    hosted = connection.execute(f"{SELECT} WHERE h.session_id = ?", (session_id,)).fetchone()
    if hosted:
        return _hosted(hosted).flags
    return _set(connection.execute(f"{SET} WHERE session_id = ?", (session_id,)).fetchone())


def _set(row: tuple[object, ...]) -> Flags:
    _, title, directory, is_pinned, hidden = row
    return Flags(
        title=_text(title),
        directory=_text(directory),
        is_pinned=bool(is_pinned),
        hidden=bool(hidden),
    )


def _still_running(stream_id: str, session_id: str) -> Conflict:
    return Conflict(
        "A turn of this session is still running",
        details={"stream_id": stream_id, "session_id": session_id},
    )


def _is_stored(connection: sqlite3.Connection, stream_id: str) -> bool:
    query = "SELECT 1 FROM streams WHERE stream_id = ?"
    return connection.execute(query, (stream_id,)).fetchone() is not None


def _hosted(row: tuple[object, ...]) -> HostedSession:
    session_id, agent_name, agent_id, directory, title, created, updated = map(_text, row[:7])
    own_title, own_directory = _text(row[8]), _text(row[9])
    return HostedSession(
        SessionRow(
            session_id or "",
            agent_name or "",
            directory,
            title or "",
            created or "",
            updated or "",
            0,
        ),
        agent_id,
        bool(row[7]),
        Flags(
            title=own_title or title or None,
            directory=directory if own_directory is None else own_directory,
            agent_id=agent_id,
            is_pinned=bool(row[10]),
            hidden=bool(row[11]),
        ),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
