"""Sessions of all runtimes, seen as one list, and their messages.

Content stays where it is: in the runtimes' own stores, or in the host's for a runtime without
one. This service reads the stores at each call; it keeps no copy.
"""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from xo_cowork_core.sdk import KeepsHistory, Message, NotFound, SessionRecord, TextPart
from xo_cowork_core.services.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.sessions.history import HostHistory
from xo_cowork_core.services.sessions.titles import shown, title_of
from xo_cowork_core.storage.db import Database

log = logging.getLogger("xo_cowork.sessions")
COLUMNS = "session_id, agent_name, agent_id, directory, title, time_created, time_updated"


@dataclass(frozen=True, slots=True)
class Session:
    """One session's row. `directory` is where its turns run; None when it has none."""

    session_id: str
    agent_name: str
    agent_id: str | None
    directory: str | None
    title: str
    time_created: datetime
    time_updated: datetime
    message_count: int = 0


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some of a session's messages; `offset` counts from the oldest."""

    session_id: str
    total: int
    offset: int
    messages: Sequence[Message]


class Sessions:
    """Lists, finds and reads."""

    def __init__(self, database: Database, registry: Registry, history: HostHistory) -> None:
        self._database = database
        self._registry = registry
        self._history = history

    async def list(
        self, *, agent_name: str | None = None, agent_id: str | None = None
    ) -> Sequence[Session]:
        """Return every session, newest first, optionally of one runtime or project."""
        hosted = await self._hosted()
        counts = await self._history.counts()
        found = {key: replace(row, message_count=counts.get(key, 0)) for key, row in hosted.items()}
        for owner in self._keepers():
            for record in await self._records_of(owner):
                found[record.session_id] = _joined(record, owner, hosted.get(record.session_id))
        rows = [
            row
            for row in found.values()
            if agent_name in {None, row.agent_name} and agent_id in {None, row.agent_id}
        ]
        return sorted(rows, key=lambda row: row.time_updated, reverse=True)

    async def find(self, session_id: str) -> Session | None:
        """Find one session by id, in the host's table and in every runtime's store."""
        hosted = (await self._hosted(session_id)).get(session_id)
        for owner in self._keepers():
            if hosted and hosted.agent_name != owner.info.name:
                continue
            record = await self._record_of(owner, session_id)
            if record:
                return _joined(record, owner, hosted)
        return hosted

    async def read(self, session_id: str) -> Session:
        """Return one session. Raises NotFound."""
        found = await self.find(session_id)
        if found is None:
            raise NotFound("Session not found")
        if found.message_count == 0:
            return replace(found, message_count=len(await self._messages(found)))
        return found

    async def messages(self, session_id: str, *, limit: int, offset: int) -> MessagePage:
        """Return a page; offset -1 is the newest `limit`. Raises NotFound."""
        session = await self.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        messages = await self._messages(session)
        start = max(0, len(messages) - limit) if offset < 0 else offset
        return MessagePage(session_id, len(messages), start, messages[start : start + limit])

    async def _messages(self, session: Session) -> Sequence[Message]:
        owner = self._registry.runtime(session.agent_name)
        kept: Sequence[Message] | None = None
        if owner and isinstance(owner.runtime, KeepsHistory):
            kept = await owner.runtime.messages(session.session_id)
        else:
            kept = await self._history.messages(session.session_id)
        return kept or await self._prompts(session.session_id)

    async def _prompts(self, session_id: str) -> Sequence[Message]:
        """What the user said, for a session whose transcript is not on disk yet."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT stream_id, text, started_at FROM streams WHERE session_id = ?"
                " ORDER BY started_at",
                (session_id,),
            ).fetchall()
        )
        return [
            Message(
                id=stream_id,
                role="user",
                parts=(TextPart(shown(text)),),
                time_created=datetime.fromisoformat(started_at),
            )
            for stream_id, text, started_at in rows
        ]

    def _keepers(self) -> Sequence[RegisteredRuntime]:
        return [
            found
            for found in self._registry.runtimes()
            if isinstance(found.runtime, KeepsHistory) and found.plugin.serves
        ]

    async def _records_of(self, owner: RegisteredRuntime) -> Sequence[SessionRecord]:
        assert isinstance(owner.runtime, KeepsHistory)
        try:
            return await owner.runtime.sessions()
        except Exception:
            # one runtime's broken store must not hide the others' sessions
            log.exception("the sessions of %s could not be listed", owner.info.name)
            return []

    async def _record_of(self, owner: RegisteredRuntime, session_id: str) -> SessionRecord | None:
        assert isinstance(owner.runtime, KeepsHistory)
        try:
            return await owner.runtime.session(session_id)
        except Exception:
            log.exception("a session of %s could not be read", owner.info.name)
            return None

    async def _hosted(self, session_id: str | None = None) -> dict[str, Session]:
        rows = await self._database.read(lambda connection: _select(connection, session_id))
        return {row.session_id: row for row in rows}


def _select(connection: sqlite3.Connection, session_id: str | None) -> list[Session]:
    where, values = ("WHERE session_id = ?", (session_id,)) if session_id else ("", ())
    rows = connection.execute(f"SELECT {COLUMNS} FROM sessions {where}", values)  # noqa: S608
    return [
        Session(
            session_id=row[0],
            agent_name=row[1],
            agent_id=row[2],
            directory=row[3],
            title=row[4],
            time_created=datetime.fromisoformat(row[5]),
            time_updated=datetime.fromisoformat(row[6]),
        )
        for row in rows
    ]


def _joined(record: SessionRecord, owner: RegisteredRuntime, hosted: Session | None) -> Session:
    """A store's row with what the host knows besides."""
    return Session(
        session_id=record.session_id,
        agent_name=owner.info.name,
        agent_id=hosted.agent_id if hosted else None,
        directory=hosted.directory if hosted else record.directory,
        title=hosted.title if hosted else title_of(record.title),
        time_created=record.time_created,
        time_updated=max(record.time_updated, hosted.time_updated)
        if hosted
        else record.time_updated,
        message_count=record.message_count,
    )
