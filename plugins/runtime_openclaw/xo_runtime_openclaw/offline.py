"""History on disk."""

from collections.abc import Sequence
from pathlib import Path

from xo_cowork_core.sdk import Message, SessionRecord


class Offline:
    """Today's databases and yesterday's files."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def sessions(self) -> Sequence[SessionRecord]:
        return []

    def session(self, session_id: str) -> SessionRecord | None:
        return None

    def messages(self, session_id: str) -> Sequence[Message] | None:
        return None
