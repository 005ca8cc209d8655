"""Stores accepted turns and their answers."""

import logging
import sqlite3
from datetime import datetime

from xo_cowork_core.sdk import (
    BadRequest,
    EditsHistory,
    Event,
    KeepsHistory,
    Unavailable,
    Unsupported,
)
from xo_cowork_core.services.eventlog.log import DISK_FAILS, STATE_LOST
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.turns.prompt import ResolvedTurn
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.services.turns.turn_rows import insert_turn, user_message
from xo_cowork_core.storage.database import Database

log = logging.getLogger("xo_cowork.turns")


class TurnStore:
    """The rows of turns in `state.db`, and the host's history of runtimes without a store."""

    def __init__(self, database: Database, history: HostHistory) -> None:
        self._database = database
        self._history = history

    async def insert(self, resolved: ResolvedTurn, started_at: datetime) -> None:
        """Store an accepted turn. Raises NotFound for a deleted session, Unavailable."""
        turn, name = resolved.turn, resolved.owner.info.name
        has_store = isinstance(resolved.owner.runtime, KeepsHistory)
        message = user_message(turn, started_at)

        def insert(connection: sqlite3.Connection) -> None:
            # checked here, where it blocks nothing: a removed file takes every write
            if self._database.is_lost():
                raise Unavailable(STATE_LOST)
            insert_turn(connection, turn, name, message, host_history=not has_store)

        try:
            await self._database.write(insert)
        except sqlite3.Error as error:
            log.error("a turn could not be stored: %s", error)
            raise Unavailable(DISK_FAILS) from error

    async def drop_from(self, message_id: str, resolved: ResolvedTurn) -> None:
        """Drop a user's message and everything after it from the session of a turn.

        Raises BadRequest when another runtime owns the session, Unsupported when the runtime
        can't edit, and what its `drop` raises.
        """
        runtime, title = resolved.owner.runtime, resolved.owner.info.title
        if resolved.turn.new_session:
            raise BadRequest("Only the runtime that owns a session can edit it")
        if not isinstance(runtime, EditsHistory):
            raise Unsupported(f"{title} cannot edit a session's past")
        session_id = resolved.turn.session_id
        # the runtime first: when it fails, the host's history still agrees with the agent's
        await resolved.owner.call(
            EditsHistory.drop, session_id, message_id, action="drop the message"
        )
        if not isinstance(runtime, KeepsHistory):
            await self._history.drop(session_id, message_id)

    async def store_answer(self, running: RunningTurn, terminal: Event) -> None:
        """Store the assistant's message of a turn, where the host keeps the history."""
        try:
            message = running.assemble_message(terminal)
            if message:
                await self._history.add(running.turn.session_id, message)
        except Exception:
            # a full disk, or values of a plugin that can't be stored: readers still get the end
            log.exception("the answer of turn %s was not stored", running.turn.stream_id)
