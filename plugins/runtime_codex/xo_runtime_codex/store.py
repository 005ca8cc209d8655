"""Codex's own store: rollout files under `sessions/`, read and never written. In threads."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.sdk import Message, NotFound, SessionRecord, TextPart
from xo_runtime_codex.hydrate import Hydration
from xo_runtime_codex.rollouts import EPOCH, calls_tool, files_of, find_files, read_on, read_rows

TITLE_CHARACTERS = 80
GROWING_LIMIT = 16
UNTITLED = "New session"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a session's files said when they had these sizes and times."""

    state: tuple[tuple[int, int], ...]
    record: SessionRecord | None


@dataclass(frozen=True, slots=True)
class Story:
    """What a session's files tell."""

    messages: Sequence[Message]
    turns: Mapping[str, str]
    directory: str | None


class Growing:
    """A session's files, read as far as `end` in the last one. They only ever grow."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files
        self._hydration = Hydration()
        rows, self._end = read_rows(files)
        self._hydration.feed(rows)

    def story(self) -> Story:
        """Read on, and tell. Raises OSError."""
        rows, self._end = read_on(self.files[-1], self._end)
        self._hydration.feed(rows)
        now = self._hydration
        return Story(now.messages, dict(now.turns), now.directory)


class Store:
    """Sessions of one Codex home."""

    def __init__(self, home: Path) -> None:
        self._sessions_folder = home / "sessions"
        self._seen: dict[str, Seen] = {}
        self._growing: OrderedDict[str, Growing] = OrderedDict()
        self._lock = threading.Lock()

    async def sessions(self) -> Sequence[SessionRecord]:
        """List all sessions that have a message."""
        return await asyncio.to_thread(self._sessions)

    async def session(self, session_id: str) -> SessionRecord | None:
        """Find one session by its files' names."""
        return await asyncio.to_thread(self._session, session_id)

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Read a session's messages."""
        story = await asyncio.to_thread(self._story, session_id)
        return story.messages if story else None

    async def turn_of(self, session_id: str, message_id: str) -> str:
        """Find the turn that a user's message began. Raises NotFound."""
        story = await asyncio.to_thread(self._story, session_id)
        turn_id = story.turns.get(message_id) if story else None
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

    def _sessions(self) -> Sequence[SessionRecord]:
        seen = {
            session_id: look
            for session_id, files in files_of(self._sessions_folder).items()
            if (look := self._look(session_id, files))
        }
        self._seen = seen
        return [look.record for look in seen.values() if look.record]

    def _session(self, session_id: str) -> SessionRecord | None:
        files = find_files(self._sessions_folder, session_id)
        look = self._look(session_id, files) if files else None
        return look.record if look else None

    def _look(self, session_id: str, files: Sequence[Path]) -> Seen | None:
        try:
            stats = [path.stat() for path in files]
            state = tuple((status.st_size, status.st_mtime_ns) for status in stats)
            seen = self._seen.get(session_id)
            if seen and seen.state == state:
                return seen
            story = self._read(session_id, files)
        except OSError:
            return None
        changed = max(status.st_mtime for status in stats)
        seen = self._seen[session_id] = Seen(state, _record(session_id, story, changed))
        return seen

    def _story(self, session_id: str) -> Story | None:
        files = find_files(self._sessions_folder, session_id)
        try:
            return self._read(session_id, files) if files else None
        except OSError:
            return None

    def _read(self, session_id: str, files: Sequence[Path]) -> Story:
        with self._lock:
            growing = self._growing.pop(session_id, None)
            if growing is None or growing.files != files:
                growing = Growing(files)
            story = growing.story()
            self._growing[session_id] = growing
            if len(self._growing) > GROWING_LIMIT:
                self._growing.popitem(last=False)
            return story


def _record(session_id: str, story: Story, changed: float) -> SessionRecord | None:
    messages = story.messages
    if not messages:
        return None
    times = [message.time_created for message in messages if message.time_created > EPOCH]
    updated = datetime.fromtimestamp(changed, UTC)
    return SessionRecord(
        session_id=session_id,
        title=_title(messages),
        directory=story.directory,
        message_count=len(messages),
        time_created=min(times, default=updated),
        time_updated=updated,
    )


def _title(messages: Sequence[Message]) -> str:
    for message in messages:
        part = message.parts[0] if message.parts else None
        if message.role == "user" and isinstance(part, TextPart):
            line = " ".join(part.text.split())
            return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"
    return UNTITLED
