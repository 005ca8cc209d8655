"""The older chat: one session per project name, over the same turns."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import orjson

from xo_cowork_core.sdk import NotFound, UpstreamFailed
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.services.eventlog.batches import split
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.active_turn import StartedTurn
from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.storage.database import Database

SILENCE_SECONDS = 15.0


class ProjectSession(NamedTuple):
    """The session of a project name."""

    project_name: str
    session_id: str
    user_id: str | None
    time_updated: str


class TextPiece(NamedTuple):
    """Some text of the answer; empty while the agent is silent."""

    text: str


class TurnFailure(NamedTuple):
    """The end of a turn that failed."""

    message: str


class QuestionListener(Protocol):
    """Is notified of questions of the older chat."""

    async def question_asked(
        self, stream_id: str, project_id: str, user_id: str, text: str
    ) -> None:
        """Called once a question's turn runs; again for a client's network retry."""
        ...


class LegacyChat:
    """Starts turns by project name and reads their text."""

    def __init__(
        self,
        turns: Turns,
        sessions: Sessions,
        eventlog: EventLog,
        database: Database,
        clock: Clock,
        listener: QuestionListener | None,
    ) -> None:
        self._turns = turns
        self._sessions = sessions
        self._eventlog = eventlog
        self._database = database
        self._clock = clock
        self._listener = listener

    async def start_turn(
        self, project_name: str, prompt: Prompt, user_id: str
    ) -> tuple[StartedTurn, bool]:
        """Start a turn in the project's session; True when that session is new."""
        session_id = await self._session_of(project_name)
        if session_id and await self._sessions.find(session_id) is not None:
            prompt = prompt._replace(session_id=session_id)
        started = await self._turns.start(prompt)
        await self._store_session(project_name, started.session_id, user_id)
        if self._listener:
            stream_id = started.stream_id
            await self._listener.question_asked(stream_id, project_name, user_id, prompt.text)
        return started, started.session_id != session_id

    async def wait_for_text(self, stream_id: str) -> str:
        """Wait for a turn's whole text. Raises UpstreamFailed when it fails."""
        texts: list[str] = []
        async for piece in self.read_pieces(stream_id):
            if isinstance(piece, TurnFailure):
                raise UpstreamFailed(piece.message)
            texts.append(piece.text)
        return "".join(texts)

    async def read_pieces(self, stream_id: str) -> AsyncIterator[TextPiece | TurnFailure]:
        """Yield a turn's text as it comes, then a `TurnFailure` if it failed. Raises NotFound."""
        reader = await open_reader(self._eventlog, stream_id, 0)
        if reader is None:
            raise NotFound("Stream not found")
        while True:
            batch = await reader.next(SILENCE_SECONDS)
            if batch is None:
                yield TextPiece("")
                continue
            for name, data in map(split, batch.entries):
                if name == "text-delta":
                    yield TextPiece(orjson.loads(data)["text"])
                elif name == "agent-error":
                    yield TurnFailure(orjson.loads(data)["error_message"])
            if batch.terminal:
                return

    async def list_sessions(self) -> list[ProjectSession]:
        """List every project name with its session, the most recently used first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT project_name, session_id, user_id, time_updated FROM project_sessions"
                " ORDER BY time_updated DESC"
            ).fetchall()
        )
        return [ProjectSession(*row) for row in rows]

    async def forget_session(self, project_name: str) -> None:
        """Let the project's next question begin a new session. Raises NotFound."""
        deleted = await self._database.write(
            lambda connection: (
                connection.execute(
                    "DELETE FROM project_sessions WHERE project_name = ?", (project_name,)
                ).rowcount
            )
        )
        if not deleted:
            raise NotFound("No session for this project")

    async def _session_of(self, project_name: str) -> str | None:
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT session_id FROM project_sessions WHERE project_name = ?", (project_name,)
            ).fetchone()
        )
        return row[0] if row else None

    async def _store_session(self, project_name: str, session_id: str, user_id: str | None) -> None:
        now = stamp(self._clock.now())
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO project_sessions"
                " (project_name, session_id, user_id, time_updated) VALUES (?, ?, ?, ?)",
                (project_name, session_id, user_id, now),
            )
        )
