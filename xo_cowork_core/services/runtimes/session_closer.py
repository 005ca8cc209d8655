"""Closes sessions at their runtimes: deleted ones, and at the server's stop those that had a turn.

Owns no task. What a runtime raises is logged and goes no further.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Protocol

from xo_cowork_core.sdk import ClosesSessions, Turn, XoError
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry

CLOSE_SECONDS = 5.0
MAX_SESSIONS = 1000
log = logging.getLogger("xo_cowork.sessions")


class OwnedTurn(Protocol):
    """A turn with the runtime that runs it."""

    @property
    def turn(self) -> Turn: ...

    @property
    def owner(self) -> RegisteredRuntime: ...


class SessionCloser:
    """Follows turns to know which sessions a runtime may hold something for: the newest 1000."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # runtime names by session id, the oldest first
        self._sessions: OrderedDict[str, str] = OrderedDict()

    def turn_started(self, running: OwnedTurn) -> None:
        """Note the session of a runtime that closes sessions."""
        if not isinstance(running.owner.runtime, ClosesSessions):
            return
        self._sessions[running.turn.session_id] = running.owner.info.name
        self._sessions.move_to_end(running.turn.session_id)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    def turn_ended(self, running: OwnedTurn) -> None:
        """Do nothing: the session stays open for its next turn."""

    async def close(self, session_id: str, agent_name: str) -> None:
        """Close one session at its runtime, within 5 s."""
        self._sessions.pop(session_id, None)
        owner = self._registry.runtime(agent_name)
        if owner is None or not owner.plugin.serves:
            return
        if not isinstance(owner.runtime, ClosesSessions):
            return
        try:
            await owner.call(
                ClosesSessions.close_session,
                session_id,
                action="close a session",
                seconds=CLOSE_SECONDS,
            )
        except XoError as error:
            log.warning("%s: %s", agent_name, error.message)

    async def close_all(self) -> None:
        """Close every session that had a turn, all of them within 5 s."""
        sessions = dict(self._sessions)
        await asyncio.gather(
            *(self.close(session_id, name) for session_id, name in sessions.items())
        )
