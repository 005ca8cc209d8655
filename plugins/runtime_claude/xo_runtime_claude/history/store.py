"""Claude Code's own store: session files under `projects/`, read and never written.

A file is moved to the plugin's trash in two cases: when a session's first message is dropped, since
the CLI can't resume before it, and when the CLI can't read the file. Files are read in threads.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import NotFound, Paths
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_runtime_claude.history.history_messages import build_messages
from xo_runtime_claude.history.rows import active_branch, read_rows
from xo_runtime_claude.history.transcript import ClaudeTranscript

SESSION_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")


class Store:
    """Sessions of one config folder."""

    def __init__(self, config: Path, paths: Paths) -> None:
        self._projects = config / "projects"
        self._paths = paths
        self._resume_points: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """The folder of all session files."""
        return self._projects

    async def has_session(self, session_id: str) -> bool:
        """Return whether the session has a file."""
        return await asyncio.to_thread(self._file, session_id) is not None

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return one session; None when it has no file."""
        return await asyncio.to_thread(self._session, session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return the messages of a session's active branch; None when it has no file."""
        return await asyncio.to_thread(self._messages, session_id)

    async def drop(self, session_id: str, message_id: str) -> None:
        """Have the next turn resume before a user's message; before the first one the session
        starts empty. Raises `NotFound` for an unknown message."""
        point = await asyncio.to_thread(self._row_before, session_id, message_id)
        self._resume_points.pop(session_id, None)
        if point:
            self._resume_points[session_id] = point
        else:
            await self.set_aside(session_id)

    async def set_aside(self, session_id: str) -> None:
        """Move a session's file to the plugin's trash, so that its id is free."""
        await asyncio.to_thread(self._trash, session_id)

    def resume_point(self, session_id: str) -> str | None:
        """Return the id of the row that the next turn resumes at; None for the newest row."""
        return self._resume_points.get(session_id)

    def clear_resume_point(self, session_id: str) -> None:
        """Delete the resume point: the branch of the newest row is active again."""
        self._resume_points.pop(session_id, None)

    def _file(self, session_id: str) -> Path | None:
        if not SESSION_ID.fullmatch(session_id):
            return None
        paths = list(self._projects.glob(f"*/{session_id}.jsonl"))
        return max(paths, key=_modified) if paths else None

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
        return build_messages(active_branch(rows, self._resume_points.get(session_id)))

    def _row_before(self, session_id: str, message_id: str) -> str | None:
        path = self._file(session_id)
        rows = active_branch(read_rows(path), self._resume_points.get(session_id)) if path else []
        prompts = [row for row in rows if row.prompt is not None]
        place = next((i for i, row in enumerate(prompts) if row.id == message_id), None)
        if place is None:
            raise NotFound("There is no such message of yours in this session.")
        return prompts[place].parent if place else None

    def _trash(self, session_id: str) -> None:
        path = self._file(session_id)
        if path is None:
            return
        trash = self._paths.ensure_state_folder() / "trash"
        trash.mkdir(mode=0o700, exist_ok=True)
        # shutil.move would copy across devices; a home on two devices is not worth that risk here
        path.rename(trash / f"{int(time.time())}-{path.name}")


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
