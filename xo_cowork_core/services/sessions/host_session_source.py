"""Brings the sessions that the host ran into the index; a listener of turns.

Rows of a runtime with a store of its own are written only until its store has the session.
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from xo_cowork_core.sdk import Event, KeepsHistory, TitleUpdate, Turn, Unavailable
from xo_cowork_core.sdk.kit import UNTITLED, title_of
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSession, HostedSessions
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import WRONG_VALUES
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.storage.encodable_text import encodable

log = logging.getLogger("xo_cowork.sessions")


class HasTurn(Protocol):
    """A turn's start or end, as a listener is notified of it."""

    @property
    def turn(self) -> Turn: ...

    def add_observer(self, observe: Callable[[Event], None]) -> None: ...


class HostSessionSource:
    """An index source for the host's own table of sessions."""

    def __init__(
        self, index: Index, registry: Registry, hosted: HostedSessions, history: HostHistory
    ) -> None:
        self._index = index
        self._registry = registry
        self._hosted = hosted
        self._history = history
        self._changed: set[str] = set()
        self._titles: dict[str, str] = {}
        self._generation = 0

    def turn_started(self, running: HasTurn) -> None:
        """Note that a session has a new prompt, and later the titles that its agent gives it."""
        session_id = running.turn.session_id

        def observe(event: Event) -> None:
            if isinstance(event, TitleUpdate) and (title := _title(event)) != UNTITLED:
                self._titles[session_id] = title
                self.note(session_id)

        running.add_observer(observe)
        self.note(session_id)

    def turn_ended(self, running: HasTurn) -> None:
        """Note that a session has a new answer."""
        self.note(running.turn.session_id)

    def note(self, session_id: str) -> None:
        """Write this session at the next refresh, which is requested here."""
        self._changed.add(session_id)
        self._index.mark_stale()

    async def refresh(self) -> None:
        """Write the sessions that changed; after the index was reopened, all that differ."""
        changed, self._changed = self._changed, set()
        generation = self._index.generation
        try:
            if self._generation != generation:
                changed |= await self._differing()
                self._generation = generation
            for session_id in sorted(changed):
                await self._write(session_id)
        except (Unavailable, sqlite3.Error) as error:
            log.warning("hosted sessions could not be indexed: %s", error)
            self._changed |= changed

    async def _differing(self) -> set[str]:
        """Return the sessions that are missing in the index or older there."""
        times = await self._index.query(queries.all_times)
        differing: set[str] = set()
        for hosted in await self._hosted.all():
            indexed_at = times.get(hosted.row.session_id)
            if indexed_at is None or (
                indexed_at < hosted.row.time_updated and not self._has_store(hosted)
            ):
                differing.add(hosted.row.session_id)
        return differing

    async def _write(self, session_id: str) -> None:
        async with self._hosted.flags_lock:
            if title := self._titles.get(session_id):
                await self._hosted.set_agent_title(session_id, title)
                if self._titles.get(session_id) == title:
                    del self._titles[session_id]
            hosted = await self._hosted.one(session_id)
            if hosted is None:
                await self._index.delete_session(session_id)
                return
            await self._index.set_flags(session_id, hosted.flags)
        row, has_store = hosted.row, self._has_store(hosted)
        if has_store and await self._index.query(lambda db: queries.one_session(db, session_id)):
            return
        messages = None if has_store else await self._history.messages(session_id)
        count = len(messages) if messages is not None else 0
        counted = replace(row, title=row.title or UNTITLED, message_count=count)
        try:
            await self._index.write_session(counted, messages)
        except WRONG_VALUES:
            # a value that no column can hold: the session is indexed without its messages
            log.exception("the messages of %s could not be indexed", session_id)
            await self._index.write_session(counted, None)

    def _has_store(self, hosted: HostedSession) -> bool:
        owner = self._registry.runtime(hosted.row.agent_name)
        return owner is not None and isinstance(owner.runtime, KeepsHistory)


def _title(event: TitleUpdate) -> str:
    """Return the title of an event as it can be stored."""
    return title_of(encodable(event.title))
