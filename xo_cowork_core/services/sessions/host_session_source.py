"""Brings the sessions that the host ran into the index, and hears when a turn changes one.

Rows of a runtime with a store of its own are written only until the store tells more.
"""

import logging
import sqlite3
from dataclasses import replace

from xo_cowork_core.sdk import UNTITLED, KeepsHistory, Unavailable
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSession, HostedSessions
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import WRONG_VALUES
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.turns.running_turn import RunningTurn

log = logging.getLogger("xo_cowork.sessions")


class HostSessionSource:
    """Feeds the index; a listener of turns."""

    def __init__(
        self, index: Index, registry: Registry, hosted: HostedSessions, history: HostHistory
    ) -> None:
        self._index = index
        self._registry = registry
        self._hosted = hosted
        self._history = history
        self._changed: set[str] = set()
        self._generation = 0

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
        """Write what changed; when the index was opened anew, whatever differs."""
        changed, self._changed = self._changed, set()
        generation = index.generation
        try:
            if self._generation != generation:
                changed |= await self._differing(index)
                self._generation = generation
            for session_id in sorted(changed):
                await self._write(index, session_id)
        except (Unavailable, sqlite3.Error) as error:
            log.warning("hosted sessions could not be indexed: %s", error)
            self._changed |= changed

    async def _differing(self, index: Index) -> set[str]:
        """Return the sessions that the index lacks, or has in an older state."""
        times = await index.ask(queries.all_times)
        found: set[str] = set()
        for hosted in await self._hosted.all():
            there = times.get(hosted.row.session_id)
            if there is None or (there < hosted.row.time_updated and not self._keeps(hosted)):
                found.add(hosted.row.session_id)
        return found

    async def _write(self, index: Index, session_id: str) -> None:
        async with self._hosted.flagging:
            hosted = await self._hosted.one(session_id)
            if hosted is None:
                await index.forget_hosted(session_id)
                return
            await index.set_flags(session_id, hosted.flags)
        row, keeps = hosted.row, self._keeps(hosted)
        if keeps and await index.ask(lambda db: queries.one_session(db, session_id)):
            return
        messages = None if keeps else await self._history.messages(session_id)
        count = len(messages) if messages is not None else 0
        told = replace(row, title=row.title or UNTITLED, message_count=count)
        try:
            await index.write_hosted(told, messages)
        except WRONG_VALUES:
            # a plugin told what no row can hold: its session is there all the same
            log.exception("the messages of %s could not be indexed", session_id)
            await index.write_hosted(told, None)

    def _keeps(self, hosted: HostedSession) -> bool:
        owner = self._registry.runtime(hosted.row.agent_name)
        return owner is not None and isinstance(owner.runtime, KeepsHistory)
