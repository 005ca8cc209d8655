"""Brings the sessions that the host ran into the index, and hears when a turn changes one.

Rows of a runtime with a store of its own are written only until the store tells more.
"""

import logging
import sqlite3
from dataclasses import replace

from xo_cowork_core.sdk import UNTITLED, KeepsHistory
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.registry import Registry
from xo_cowork_core.services.sessions.history import HostHistory
from xo_cowork_core.services.sessions.hosted import HostedSession, HostedSessions
from xo_cowork_core.services.turns.running import RunningTurn

log = logging.getLogger("xo_cowork.sessions")


class HostedFeed:
    """Feeds the index; a listener of turns."""

    def __init__(
        self, index: Index, registry: Registry, hosted: HostedSessions, history: HostHistory
    ) -> None:
        self._index = index
        self._registry = registry
        self._hosted = hosted
        self._history = history
        self._changed: set[str] = set()
        self._first = True

    def turn_started(self, running: RunningTurn) -> None:
        """A session has a new prompt."""
        self.note(running.turn.session_id)

    def turn_ended(self, running: RunningTurn) -> None:
        """A session has a new answer."""
        self.note(running.turn.session_id)

    def note(self, session_id: str) -> None:
        """Look at this session at the next refresh, which is asked for."""
        self._changed.add(session_id)
        self._index.changed()

    async def refresh(self, index: Index) -> None:
        """Write what changed; at the first time, whatever differs."""
        changed, self._changed = self._changed, set()
        try:
            if self._first:
                await self._catch_up(index)
                self._first = False
            for session_id in changed:
                hosted = await self._hosted.one(session_id)
                if hosted:
                    await self._write(index, hosted)
        except sqlite3.Error as error:
            log.warning("hosted sessions could not be indexed: %s", error)
            self._changed |= changed

    async def _catch_up(self, index: Index) -> None:
        """Write what the index lacks, or has in an older state."""
        times = await index.ask(queries.all_times)
        for hosted in await self._hosted.all():
            there = times.get(hosted.row.session_id)
            if there is None or (there < hosted.row.time_updated and not self._keeps(hosted)):
                await self._write(index, hosted)

    async def _write(self, index: Index, hosted: HostedSession) -> None:
        row, keeps = hosted.row, self._keeps(hosted)
        there = await index.ask(lambda connection: queries.one_session(connection, row.session_id))
        index.note_flags(row.session_id, hosted.flags)
        if there and keeps:
            await index.set_flags(row.session_id, hosted.flags)
            return
        messages = None if keeps else await self._history.messages(row.session_id)
        count = len(messages) if messages is not None else 0
        title = row.title or UNTITLED
        await index.write_hosted(replace(row, title=title, message_count=count), messages)

    def _keeps(self, hosted: HostedSession) -> bool:
        owner = self._registry.runtime(hosted.row.agent_name)
        return owner is not None and isinstance(owner.runtime, KeepsHistory)
