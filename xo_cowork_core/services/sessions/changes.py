"""Changes of sessions by users: rename, pin, move, delete.

A deleted session is no longer listed or found. Its transcript files move to the trash, from which
the `restore` command brings them back.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from xo_cowork_core.sdk import BadRequest, NotFound
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.workspace import Workspace

NO_DIRECTORY = "."


class SessionChanges:
    """Changes sessions.

    `running_stream` returns the stream id of a session's running turn; `close_session` closes the
    session of an id and agent name at its runtime.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        sessions: Sessions,
        hosted: HostedSessions,
        index: Index,
        workspace: Workspace,
        trash: Trash,
        running_stream: Callable[[str], str | None],
        close_session: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._hosted = hosted
        self._index = index
        self._workspace = workspace
        self._trash = trash
        self._running_stream = running_stream
        self._close_session = close_session

    async def update(
        self,
        session_id: str,
        *,
        title: str | None = None,
        directory: str | None = None,
        is_pinned: bool | None = None,
    ) -> Session:
        """Change the given flags and return the session. Raises NotFound, BadRequest, Forbidden."""
        if title is None and directory is None and is_pinned is None:
            raise BadRequest("One of `title`, `is_pinned` and `directory` is needed")
        if title is not None and not title.strip():
            raise BadRequest("`title` must not be empty")
        session = await self._sessions.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        folder = None
        if directory is not None:
            clears_folder = directory.strip() in {"", NO_DIRECTORY}
            folder = "" if clears_folder else str(await self._workspace.resolve_folder(directory))
        async with self._hosted.flags_lock:
            flags = await self._hosted.set_flags(
                session_id,
                title=" ".join(title.split()) if title else None,
                directory=folder,
                is_pinned=is_pinned,
            )
            await self._index.set_flags(session_id, flags)
        return await self._sessions.read(session_id)

    async def delete(self, session_id: str) -> None:
        """Hide a session and trash its files. Raises NotFound, or Conflict during a turn."""
        session = await self._sessions.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        async with self._hosted.flags_lock:
            flags = await self._hosted.hide(
                session_id, stamp(self._clock.now()), lambda: self._running_stream(session_id)
            )
            await self._index.set_flags(session_id, flags)
        await self._close_session(session_id, session.agent_name)
        for path in await self._index.query(
            lambda connection: queries.paths_of(connection, session_id)
        ):
            await self._trash.add(session_id, Path(path))
