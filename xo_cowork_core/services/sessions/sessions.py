"""Sessions of all runtimes, seen as one list, and their messages.

Lists and search come from the index. Content stays where it is: in the runtimes' own stores, or
in the host's for a runtime without one; this service keeps no copy of it.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from xo_cowork_core.sdk import (
    FilePart,
    KeepsHistory,
    Message,
    NotFound,
    TextPart,
    Unavailable,
    UpstreamFailed,
    XoError,
)
from xo_cowork_core.sdk.kit import UNTITLED, strip_context
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSession, HostedSessions
from xo_cowork_core.services.index import queries, search
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.queries import Label, Session
from xo_cowork_core.services.index.search import Hit
from xo_cowork_core.services.index.session_rows import SessionRow
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.storage.database import Database

FIND_SECONDS = 2.0
STORE_SECONDS = 10.0
log = logging.getLogger("xo_cowork.sessions")


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some of a session's messages; `offset` counts from the oldest."""

    session_id: str
    total: int
    offset: int
    messages: Sequence[Message]


class Sessions:
    """Lists, finds and reads."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        history: HostHistory,
        hosted: HostedSessions,
        index: Index,
    ) -> None:
        self._database = database
        self._registry = registry
        self._history = history
        self._hosted = hosted
        self._index = index

    async def list(
        self, *, agent_name: str | None, agent_id: str | None, limit: int, offset: int
    ) -> tuple[int, Sequence[Session]]:
        """Return how many sessions there are, of one runtime or project, and a page of them,
        newest first."""
        await self._index.ensure_fresh()
        return await self._index.query(
            lambda connection: queries.sessions_page(
                connection, agent_name=agent_name, agent_id=agent_id, limit=limit, offset=offset
            )
        )

    async def search(self, text: str, *, limit: int, offset: int) -> tuple[int, Sequence[Hit]]:
        """Return how many sessions match, and a page of them, best first."""
        await self._index.ensure_fresh()
        return await self._index.query(
            lambda connection: search.search(connection, text, limit=limit, offset=offset)
        )

    async def find(self, session_id: str) -> Session | None:
        """Find one session by id: in the index, the host's table, the runtimes' stores."""
        hosted = await self._hosted.one(session_id)
        if self._index.flags(session_id).hidden or (hosted and hosted.flags.hidden):
            return None
        found = await self._indexed(session_id)
        if found is None and hosted is None:
            await self._index.rescan(FIND_SECONDS)
            found = await self._indexed(session_id) or await self._asked(session_id)
        if hosted:
            return _joined(found, hosted)
        return found

    async def read(self, session_id: str) -> Session:
        """Return one session. Raises NotFound."""
        await self._index.ensure_fresh()
        found = await self.find(session_id)
        if found is None:
            raise NotFound("Session not found")
        if found.message_count == 0:
            # a session whose messages can't be read is a session all the same
            with suppress(XoError):
                return replace(found, message_count=len(await self._messages(found)))
        return found

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
        """Return titles and times of some sessions."""
        wanted = sorted(session_ids)
        return await self._index.query(lambda connection: queries.labels_of(connection, wanted))

    async def _messages(self, session: Session) -> Sequence[Message]:
        owner = self._registry.runtime(session.agent_name)
        runtime = owner.runtime if owner else None
        if isinstance(runtime, KeepsHistory):
            kept = await self._stored(runtime, session.session_id)
        else:
            kept = await self._history.messages(session.session_id)
        return kept or await self._prompts(session.session_id)

    async def _stored(self, runtime: KeepsHistory, session_id: str) -> Sequence[Message] | None:
        """Read a transcript; where that is not possible, ask the runtime itself."""
        fault: XoError | None = None
        if isinstance(runtime, KeepsTranscripts):
            try:
                if kept := await self._index.messages(session_id):
                    return kept
            except XoError as error:
                fault = error
        kept = await self._asked_for(runtime, session_id)
        if fault and not kept:
            raise fault
        return kept

    async def _asked_for(self, runtime: KeepsHistory, session_id: str) -> Sequence[Message] | None:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await runtime.messages(session_id)
        except XoError:
            raise
        except TimeoutError:
            raise Unavailable("The session's messages took too long to read") from None
        except (Exception, SystemExit) as error:
            log.exception("the messages of %s could not be read", session_id)
            raise UpstreamFailed(
                "The session's messages could not be read; the log says why"
            ) from error

    async def _prompts(self, session_id: str) -> Sequence[Message]:
        """What the user said, for a session whose transcript is not on disk yet."""
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

    async def _indexed(self, session_id: str) -> Session | None:
        return await self._index.query(
            lambda connection: queries.one_session(connection, session_id)
        )

    async def _asked(self, session_id: str) -> Session | None:
        """Ask the stores that the index only follows, such as a gateway's."""
        for owner in self._registry.runtimes():
            runtime = owner.runtime
            if not isinstance(runtime, KeepsHistory) or not owner.plugin.serves:
                continue
            try:
                async with asyncio.timeout(FIND_SECONDS):
                    record = await runtime.session(session_id)
            except (Exception, SystemExit):
                log.exception("a session of %s could not be read", owner.info.name)
                continue
            if record:
                row = SessionRow.of(record, owner.info.name)
                await self._index.write_session(row, None)
                return _session(row, None)
        return None


def _joined(found: Session | None, hosted: HostedSession) -> Session:
    """What the index says, with what the host knows better: it may be a moment ahead."""
    host = _session(hosted.row, hosted.agent_id)
    flags = hosted.flags
    base = found or host
    return replace(
        base,
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
