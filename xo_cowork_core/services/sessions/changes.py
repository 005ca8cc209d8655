"""What people do to sessions: reserve, rename, pin, move, delete, bring back.

A deleted session leaves lists and search at once. Its transcript files move to the trash, from
where `restore` takes them back.
"""

from pathlib import Path

from xo_cowork_core.sdk import BadRequest, NotFound
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.files.workspace import Workspace
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.index import queries
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.index.session_rows import SessionRow
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.turns.resolver import Prompt, TurnResolver
from xo_cowork_core.services.turns.turns import Turns

NO_DIRECTORY = "."


class SessionChanges:
    """Changes sessions."""

    def __init__(
        self,
        *,
        clock: Clock,
        sessions: Sessions,
        hosted: HostedSessions,
        index: Index,
        turns: Turns,
        resolver: TurnResolver,
        workspace: Workspace,
        feed: HostSessionSource,
        trash: Trash,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._hosted = hosted
        self._index = index
        self._turns = turns
        self._resolver = resolver
        self._workspace = workspace
        self._feed = feed
        self._trash = trash

    async def reserve(
        self,
        *,
        title: str | None,
        agent_name: str | None,
        agent_id: str | None,
        directory: str | None,
    ) -> Session:
        """Make a session that its first prompt may use. Raises what a prompt would raise."""
        prompt = Prompt("", agent_name=agent_name, agent_id=agent_id, workspace=directory)
        resolved = await self._resolver.resolve(prompt)
        turn, now = resolved.turn, stamp(self._clock.now())
        row = SessionRow(
            turn.session_id,
            resolved.owner.info.name,
            str(turn.cwd),
            (title or "").strip(),
            now,
            now,
            0,
        )
        await self._hosted.reserve(row, turn.agent_id)
        self._feed.note(row.session_id)
        return await self._sessions.read(row.session_id)

    async def patch(
        self,
        session_id: str,
        *,
        title: str | None = None,
        directory: str | None = None,
        is_pinned: bool | None = None,
    ) -> Session:
        """Set some flags. Raises NotFound, BadRequest, Forbidden."""
        if title is None and directory is None and is_pinned is None:
            raise BadRequest("One of `title`, `is_pinned` and `directory` is needed")
        if title is not None and not title.strip():
            raise BadRequest("`title` must not be empty")
        session = await self._sessions.find(session_id)
        if session is None:
            raise NotFound("Session not found")
        place = None
        if directory is not None:
            none = directory.strip() in {"", NO_DIRECTORY}
            place = "" if none else str(await self._workspace.folder(directory))
        async with self._hosted.flagging:
            flags = await self._hosted.set_flags(
                session_id,
                title=title.strip() if title else None,
                directory=place,
                is_pinned=is_pinned,
            )
            await self._index.set_flags(session_id, flags)
        return await self._sessions.read(session_id)

    async def delete(self, session_id: str) -> None:
        """Take a session out of lists and search. Raises NotFound, or Conflict while it runs."""
        if await self._sessions.find(session_id) is None:
            raise NotFound("Session not found")
        async with self._hosted.flagging:
            flags = await self._hosted.hide(
                session_id, stamp(self._clock.now()), lambda: self._running(session_id)
            )
            await self._index.set_flags(session_id, flags)
        for path in await self._index.query(
            lambda connection: queries.paths_of(connection, session_id)
        ):
            await self._trash.throw(session_id, Path(path))

    def _running(self, session_id: str) -> str | None:
        running = self._turns.running(session_id)
        return running.turn.stream_id if running else None
