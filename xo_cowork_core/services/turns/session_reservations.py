"""Sessions that are reserved before their first prompt."""

from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.index.session_rows import SessionRow
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.resolver import TurnResolver
from xo_cowork_core.services.workspace import Workspace


class SessionReservations:
    """Reserves session ids; runtime and folder are resolved as for a prompt."""

    def __init__(
        self,
        *,
        resolver: TurnResolver,
        sessions: Sessions,
        hosted: HostedSessions,
        source: HostSessionSource,
        workspace: Workspace,
        run_tokens: RunTokens,
        clock: Clock,
    ) -> None:
        self._resolver = resolver
        self._sessions = sessions
        self._hosted = hosted
        self._source = source
        self._workspace = workspace
        self._run_tokens = run_tokens
        self._clock = clock

    async def reserve(
        self,
        *,
        title: str | None,
        agent_name: str | None,
        agent_id: str | None,
        directory: str | None,
    ) -> Session:
        """Store a session that its first prompt may use. Raises what `TurnResolver` raises, and
        BadRequest, Forbidden or NotFound for a `directory` that cannot be used."""
        if directory:
            await self._workspace.resolve_folder(directory)
        prompt = Prompt("", agent_name=agent_name, agent_id=agent_id, workspace=directory)
        resolved = await self._resolver.resolve(prompt)
        turn, now = resolved.turn, stamp(self._clock.now())
        # no turn runs yet
        self._run_tokens.end(turn.stream_id)
        row = SessionRow(
            turn.session_id,
            resolved.owner.info.name,
            str(turn.cwd),
            " ".join((title or "").split()),
            now,
            now,
            0,
        )
        await self._hosted.reserve(row, turn.agent_id)
        self._source.note(row.session_id)
        return await self._sessions.read(row.session_id)
