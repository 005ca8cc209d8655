"""Codex's own store: rollout files under `sessions/`, read and never written. In threads."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xo_cowork_core.sdk import Message, NotFound, SessionRecord
from xo_runtime_codex.history.rollouts import calls_tool, find_files, is_id, rollout_id, whole_lines
from xo_runtime_codex.history.transcript import ARCHIVE, CodexTranscript


class Store:
    """Sessions of one Codex home."""

    def __init__(self, home: Path) -> None:
        self._sessions_folder = home / "sessions"
        self._archive = home / ARCHIVE

    @property
    def folders(self) -> Sequence[Path]:
        """Where rollouts lie."""
        return (self._sessions_folder, self._archive)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Find one session by its files' names."""
        told = await asyncio.to_thread(self._tell, session_id)
        return told.record() if told else None

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's messages."""
        told = await asyncio.to_thread(self._tell, session_id)
        return told.messages() if told else None

    async def turn_of(self, session_id: str, message_id: str) -> str:
        """Find the turn that a user's message began. Raises NotFound."""
        told = await asyncio.to_thread(self._tell, session_id)
        turn_id = told.turns.get(message_id) if told else None
        if turn_id is None:
            raise NotFound("There is no such message of yours in this session.")
        return turn_id

    async def acted(self, session_id: str, turn_id: str) -> bool:
        """Say whether a turn may have done more than speak."""
        return await asyncio.to_thread(self._acted, session_id, turn_id)

    def _acted(self, session_id: str, turn_id: str) -> bool:
        try:
            return calls_tool(find_files(self._sessions_folder, session_id), turn_id)
        except OSError:
            return True

    def _tell(self, session_id: str) -> CodexTranscript | None:
        """Read the file that tells a session: after edits, the newest of several."""
        newest: tuple[SessionRecord, CodexTranscript] | None = None
        for told in self._told(find_files(self._sessions_folder, session_id)):
            record = told.record()
            if record and (newest is None or newest[0].time_updated < record.time_updated):
                newest = record, told
        return newest[1] if newest else None

    def _told(self, paths: Iterable[Path]) -> Iterator[CodexTranscript]:
        for path in paths:
            if rollout_id(path) and (told := self._read(path, ())):
                yield told

    def _read(self, path: Path, above: tuple[Path, ...]) -> CodexTranscript | None:
        transcript = CodexTranscript(path)
        try:
            transcript.feed(whole_lines(path))
        except OSError:
            return None
        place = self._place(transcript.base())
        if place and place not in (*above, path):
            base = self._read(place, (*above, path))
            if base:
                transcript.go_on_from(base)
        return transcript

    def _place(self, name: str | None) -> Path | None:
        """Find the file that another goes on from."""
        if name is None or not is_id(name):
            return None
        found = (path for folder in self.folders for path in folder.rglob(f"rollout-*{name}.jsonl"))
        return min((path for path in found if rollout_id(path) == name), default=None)
