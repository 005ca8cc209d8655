"""A runtime with a store: each `store/<id>.txt` in the home is a session, each line a message.

`store/reads` lists the sessions whose messages were read, `store/<id>.locked` prevents it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.sdk import Event, KeepsHistory, Runtime, RuntimeInfo, TextDelta, Turn, hookimpl
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord, TextPart
from xo_cowork_core.sdk.runtime.transcripts import UsageRecord


def store() -> Path:
    return Path.home() / "store"


class NotebookRuntime(Runtime, KeepsHistory):
    """Repeats what is asked, and lists the store's sessions."""

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("notebook", "Notebook")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta(turn.text)

    async def sessions(self) -> Sequence[SessionRecord]:
        return [_record(path) for path in sorted(store().glob("*.txt"))]

    async def session(self, session_id: str) -> SessionRecord | None:
        path = store() / f"{session_id}.txt"
        return _record(path) if path.exists() else None

    async def messages(self, session_id: str) -> Sequence[Message] | None:
        with (store() / "reads").open("a") as reads:
            reads.write(f"{session_id}\n")
        if (store() / f"{session_id}.locked").exists():
            raise PermissionError(f"{session_id} is locked")
        path = store() / f"{session_id}.txt"
        lines = path.read_text().splitlines()
        time = _record(path).time_updated
        return [Message(str(n), "user", [TextPart(text)], time) for n, text in enumerate(lines)]

    async def usage(self, since: datetime) -> Sequence[UsageRecord]:
        return []


def _record(path: Path) -> SessionRecord:
    time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return SessionRecord(path.stem, f"Notes {path.stem}", None, 0, time, time)


class Plugin:
    """Contributes the runtime."""

    @hookimpl
    def xo_runtimes(self) -> Sequence[Runtime]:
        return [NotebookRuntime()]


plugin = Plugin()
