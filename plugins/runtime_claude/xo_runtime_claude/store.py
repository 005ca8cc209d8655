"""Claude Code's own store: session files under `projects/`, read and never written.

Two exceptions move a file to the plugin's trash: editing a session's very first message, since the
CLI can't go back to before it, and a file that the CLI can't read. All reading is in threads.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import Message, NotFound, Paths, SessionRecord
from xo_runtime_claude.history_messages import messages_of
from xo_runtime_claude.rows import living, read_rows
from xo_runtime_claude.transcript import ClaudeTranscript

SESSION_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Store:
    """Sessions of one config folder."""

    def __init__(self, config: Path, paths: Paths) -> None:
        self._projects = config / "projects"
        self._paths = paths
        self._cuts: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Where the session files lie."""
        return self._projects

    async def knows(self, session_id: str) -> bool:
        """Say whether there is a transcript."""
        return await asyncio.to_thread(self._file, session_id) is not None

    async def session(self, session_id: str) -> SessionRecord | None:
        """Find one session."""
        return await asyncio.to_thread(self._session, session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's living branch."""
        return await asyncio.to_thread(self._messages, session_id)

    async def drop(self, session_id: str, message_id: str) -> None:
        """Remember where the next turn goes on; before the first message it starts afresh."""
        cut = await asyncio.to_thread(self._cut_before, session_id, message_id)
        self._cuts.pop(session_id, None)
        if cut:
            self._cuts[session_id] = cut
        else:
            await self.set_aside(session_id)

    async def set_aside(self, session_id: str) -> None:
        """Move a session's file to the plugin's trash, so that its id is free."""
        await asyncio.to_thread(self._trash, session_id)

    def cut_of(self, session_id: str) -> str | None:
        """Return the row that the next turn goes on from, if one was dropped."""
        return self._cuts.get(session_id)

    def forget_cut(self, session_id: str) -> None:
        """The session went on from its cut: its newest rows are the living ones again."""
        self._cuts.pop(session_id, None)

    def _file(self, session_id: str) -> Path | None:
        if not SESSION_ID.fullmatch(session_id):
            return None
        found = list(self._projects.glob(f"*/{session_id}.jsonl"))
        return max(found, key=_changed) if found else None

    def _session(self, session_id: str) -> SessionRecord | None:
        path = self._file(session_id)
        if path is None:
            return None
        transcript = ClaudeTranscript(path)
        try:
            transcript.feed(path.read_bytes().split(b"\n"))
        except OSError:
            return None
        return transcript.record()

    def _messages(self, session_id: str) -> Sequence[Message] | None:
        path = self._file(session_id)
        if path is None:
            return None
        try:
            rows = read_rows(path)
        except OSError:
            return None
        return messages_of(living(rows, self._cuts.get(session_id)))

    def _cut_before(self, session_id: str, message_id: str) -> str | None:
        path = self._file(session_id)
        rows = living(read_rows(path), self._cuts.get(session_id)) if path else []
        prompts = [row for row in rows if row.prompt]
        place = next((i for i, row in enumerate(prompts) if row.id == message_id), None)
        if place is None:
            raise NotFound("There is no such message of yours in this session.")
        return prompts[place].parent if place else None

    def _trash(self, session_id: str) -> None:
        path = self._file(session_id)
        if path is None:
            return
        trash = self._paths.state / "trash"
        trash.mkdir(mode=0o700, exist_ok=True)
        # shutil.move would copy across devices; a home on two devices is not worth that risk here
        path.rename(trash / f"{int(time.time())}-{path.name}")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
