"""Read sessions from Codex's rollout files, in threads. Nothing is written."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from xo_cowork_core.sdk import NotFound
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_runtime_codex.history.rollouts import (
    calls_tool,
    find_files,
    is_id,
    names_turn,
    rollout_id,
    whole_lines,
)
from xo_runtime_codex.history.transcript import ARCHIVE, CodexTranscript

MILLISECOND = timedelta(milliseconds=1)


class Store:
    """The sessions of one Codex folder."""

    def __init__(self, home: Path) -> None:
        self._sessions_folder = home / "sessions"
        self._archive = home / ARCHIVE

    @property
    def folders(self) -> Sequence[Path]:
        """The folders that hold rollouts."""
        return (self._sessions_folder, self._archive)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return one session, or None."""
        transcript = await asyncio.to_thread(self._read_session, session_id)
        return transcript.record() if transcript else None

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return a session's messages, or None."""
        transcript = await asyncio.to_thread(self._read_session, session_id)
        return transcript.messages() if transcript else None

    async def turn_of(self, session_id: str, message_id: str) -> str:
        """Return the turn that a user message started. Raises NotFound."""
        transcript = await asyncio.to_thread(self._read_session, session_id)
        turn_id = transcript.turns.get(message_id) if transcript else None
        if turn_id is None:
            raise NotFound("There is no such message of yours in this session.")
        return turn_id

    async def turn_since(self, session_id: str, moment: datetime) -> str:
        """Return the last turn, empty when its user message is older than `moment` (UTC).

        Codex stores times in whole milliseconds.
        """
        transcript = await asyncio.to_thread(self._read_session, session_id)
        messages = transcript.messages() if transcript else ()
        last = next((each for each in reversed(messages) if each.role == "user"), None)
        if transcript is None or last is None or last.time_created + MILLISECOND <= moment:
            return ""
        return transcript.turns.get(last.id, "")

    async def has_turn(self, session_id: str, turn_id: str) -> bool:
        """Return whether a turn may be stored."""
        return await asyncio.to_thread(self._has_turn, session_id, turn_id)

    async def called_tool(self, session_id: str, turn_id: str) -> bool:
        """Return whether a turn may have called a tool."""
        return await asyncio.to_thread(self._called_tool, session_id, turn_id)

    def _has_turn(self, session_id: str, turn_id: str) -> bool:
        try:
            return names_turn(find_files(self._sessions_folder, session_id), turn_id)
        except OSError:
            return True

    def _called_tool(self, session_id: str, turn_id: str) -> bool:
        try:
            return calls_tool(find_files(self._sessions_folder, session_id), turn_id)
        except OSError:
            return True

    def _read_session(self, session_id: str) -> CodexTranscript | None:
        """Return the newest transcript of a session: each edit creates a further file."""
        newest: tuple[SessionRecord, CodexTranscript] | None = None
        for transcript in self._transcripts(find_files(self._sessions_folder, session_id)):
            record = transcript.record()
            if record and (newest is None or newest[0].time_updated < record.time_updated):
                newest = record, transcript
        return newest[1] if newest else None

    def _transcripts(self, paths: Iterable[Path]) -> Iterator[CodexTranscript]:
        for path in paths:
            if rollout_id(path) and (transcript := self._read(path, ())):
                yield transcript

    def _read(self, path: Path, visited: tuple[Path, ...]) -> CodexTranscript | None:
        transcript = CodexTranscript(path)
        try:
            transcript.feed(whole_lines(path))
        except OSError:
            return None
        base_path = self._path_of(transcript.base())
        if base_path and base_path not in (*visited, path):
            base = self._read(base_path, (*visited, path))
            if base:
                transcript.continue_from(base)
        return transcript

    def _path_of(self, name: str | None) -> Path | None:
        """Return the path of a base file."""
        if name is None or not is_id(name):
            return None
        paths = (path for folder in self.folders for path in folder.rglob(f"rollout-*{name}.jsonl"))
        return min((path for path in paths if rollout_id(path) == name), default=None)
