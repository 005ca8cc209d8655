"""Lists, searches and reads the sessions of all runtimes.

Lists and search come from the index. Messages are read from the runtimes' own stores, or from the
host's for a runtime without one; this service keeps no copy.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import orjson

from xo_cowork_core.sdk import KeepsHistory, NotFound, XoError
from xo_cowork_core.sdk.kit import UNTITLED, strip_context
from xo_cowork_core.sdk.runtime.history import FilePart, Message, TextPart
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSession, HostedSessions
from xo_cowork_core.services.history.interrupted_answers import InterruptedAnswers
from xo_cowork_core.services.index import queries, search
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.queries import Label, Session
from xo_cowork_core.services.index.search import Hit
from xo_cowork_core.services.index.session_rows import SessionRow
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.storage.database import Database

FIND_SECONDS = 2.0
STORE_SECONDS = 10.0
log = logging.getLogger("xo_cowork.sessions")


class MessagePage(NamedTuple):
    """Some of a session's messages; `offset` counts from the oldest."""

    session_id: str
    total: int
    offset: int
    messages: Sequence[Message]


class Sessions:
    """Reads sessions and their messages."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        history: HostHistory,
        hosted: HostedSessions,
        interrupted: InterruptedAnswers,
        index: Index,
    ) -> None:
        self._database = database
        self._registry = registry
        self._history = history
        self._hosted = hosted
        self._interrupted = interrupted
        self._index = index

    async def list(
        self, *, agent_name: str | None, agent_id: str | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Session]]:
        """Return the number of sessions, of one runtime or project, and a page, newest first."""
        await self._index.ensure_fresh()
        return await self._index.query(
            lambda connection: queries.sessions_page(
                connection, agent_name=agent_name, agent_id=agent_id, limit=limit, offset=offset
            )
        )

    async def search(self, text: str, *, limit: int, offset: int) -> tuple[int, Sequence[Hit]]:
        """Return how many sessions match, and a page of them, best first; for an empty text all
        sessions, newest first."""
        if not text.strip():
            total, page = await self.list(
                agent_name=None, agent_id=None, limit=limit, offset=offset
            )
            return total, [Hit(session, None) for session in page]
        await self._index.ensure_fresh()
        return await self._index.query(
            lambda connection: search.search(connection, text, limit=limit, offset=offset)
        )

    async def find(self, session_id: str) -> Session | None:
        """Find one session by id: in the index, the host's table, the runtimes' stores."""
        hosted = await self._hosted.one(session_id)
        if self._index.flags(session_id).hidden or (hosted and hosted.flags.hidden):
            return None
        session = await self._find_in_index(session_id)
        if session is None and hosted is None:
            await self._index.rescan(FIND_SECONDS)
            session = await self._find_in_index(session_id)
            session = session or await self._find_in_stores(session_id)
        if hosted:
            return _merge(session, hosted)
        return session

    async def owner_of(self, session_id: str) -> str | None:
        """Return the runtime of a session that is known at the moment; None for a new one."""
        hosted = await self._hosted.one(session_id)
        if hosted:
            return hosted.row.agent_name
        session = await self._find_in_index(session_id)
        return session.agent_name if session else None

    async def read(self, session_id: str) -> Session:
        """Return one session. Raises NotFound."""
        await self._index.ensure_fresh()
        session = await self.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        if session.message_count == 0:
            # a session is returned even when its messages can't be read
            with suppress(XoError):
                return session._replace(message_count=len(await self._messages(session)))
        return session

    async def messages(self, session_id: str, *, limit: int, offset: int) -> MessagePage:
        """Return a page; offset -1 is the newest `limit`. Raises NotFound."""
        messages = await self.all_messages(session_id)
        start = max(0, len(messages) - limit) if offset < 0 else offset
        return MessagePage(session_id, len(messages), start, messages[start : start + limit])

    async def all_messages(self, session_id: str) -> Sequence[Message]:
        """Return every message of a session, oldest first. Raises NotFound."""
        session = await self.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        return await self._messages(session)

    async def labels(self, session_ids: Iterable[str]) -> dict[str, Label]:
        """Return titles and times of the sessions that are indexed, by session id."""
        ids = sorted(session_ids)
        return await self._index.query(lambda connection: queries.labels_of(connection, ids))

    async def _messages(self, session: Session) -> Sequence[Message]:
        owner = self._registry.runtime(session.agent_name)
        session_id = session.session_id
        if owner is None or not isinstance(owner.runtime, KeepsHistory):
            messages = await self._history.messages(session_id)
            return messages or await self._prompts(session_id)
        messages = await self._load_messages(owner, session_id) or await self._prompts(session_id)
        return await self._interrupted.complete(session_id, messages)

    async def _load_messages(
        self, owner: RegisteredRuntime, session_id: str
    ) -> Sequence[Message] | None:
        """Read a transcript; when there is none, or it fails, read the runtime's store."""
        fault: XoError | None = None
        if isinstance(owner.runtime, KeepsTranscripts):
            try:
                if messages := await self._index.messages(session_id):
                    return messages
            except XoError as error:
                fault = error
        messages = await owner.call(
            KeepsHistory.messages,
            session_id,
            action="read the session's messages",
            seconds=STORE_SECONDS,
            of_agent=True,
        )
        if fault and not messages:
            raise fault
        return messages

    async def _prompts(self, session_id: str) -> Sequence[Message]:
        """Return the user's prompts, for a session whose transcript is not on disk yet."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT stream_id, text, attachments, started_at FROM streams WHERE session_id = ?"
                " ORDER BY started_at",
                (session_id,),
            ).fetchall()
        )
        return [
            Message(
                id=stream_id,
                role="user",
                parts=(
                    TextPart(strip_context(text)),
                    *(FilePart(**f) for f in orjson.loads(files)),
                ),
                time_created=datetime.fromisoformat(started_at),
            )
            for stream_id, text, files, started_at in rows
        ]

    async def _find_in_index(self, session_id: str) -> Session | None:
        return await self._index.query(
            lambda connection: queries.one_session(connection, session_id)
        )

    async def _find_in_stores(self, session_id: str) -> Session | None:
        """Find a session in the stores of runtimes, such as a gateway's, and index it."""
        for owner in self._registry.runtimes():
            if not isinstance(owner.runtime, KeepsHistory) or not owner.plugin.serves:
                continue
            try:
                record = await owner.call(
                    KeepsHistory.session,
                    session_id,
                    action="find the session",
                    seconds=FIND_SECONDS,
                    of_agent=True,
                    is_optional=True,
                )
            except XoError as error:
                log.warning("a session of %s: %s", owner.info.name, error.message)
                continue
            if record:
                row = SessionRow.of(record, owner.info.name)
                await self._index.write_session(row, None)
                return _session(row, None)
        return None


def _merge(indexed: Session | None, hosted: HostedSession) -> Session:
    """Combine the index's row with the host's, which may be newer."""
    host = _session(hosted.row, hosted.agent_id)
    flags = hosted.flags
    base = indexed or host
    return base._replace(
        agent_id=hosted.agent_id or base.agent_id,
        directory=flags.directory or None,
        title=flags.title or base.title or UNTITLED,
        is_pinned=flags.is_pinned,
        reserved=hosted.reserved,
        time_updated=max(base.time_updated, host.time_updated),
    )


def _session(row: SessionRow, agent_id: str | None) -> Session:
    return Session(
        session_id=row.session_id,
        agent_name=row.agent_name,
        agent_id=agent_id,
        directory=row.directory,
        title=row.title or UNTITLED,
        time_created=datetime.fromisoformat(row.time_created),
        time_updated=datetime.fromisoformat(row.time_updated),
        message_count=row.message_count,
    )
