"""A session of Claude Code in a terminal: the transcript that the program writes."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from xo_cowork_core.sdk.testing import LiveServer


class TerminalSession:
    """One transcript in a server's home."""

    def __init__(
        self,
        server: LiveServer,
        project: str = "somewhere",
        *,
        age: timedelta = timedelta(hours=1),
    ) -> None:
        self.session_id = str(uuid.uuid4())
        folder = server.home / ".claude" / "projects" / f"-{project}"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"{self.session_id}.jsonl"
        self._cwd = server.projects / project
        self._moment = datetime.now(UTC) - age
        self._last: str | None = None

    def add_exchange(
        self,
        prompt: str,
        answer: str = "Yes.",
        *,
        tokens: int = 1000,
        model: str = "claude-opus-4-5",
    ) -> None:
        """Append a prompt and its answer, which used `tokens` of input and 200 of output."""
        row = {"cwd": str(self._cwd), "sessionId": self.session_id}
        prompt_row = self._row("user", {"role": "user", "content": prompt})
        message = {
            "id": f"m-{uuid.uuid4()}",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": answer}],
            "usage": {"input_tokens": tokens, "output_tokens": 200},
        }
        answer_row = {**self._row("assistant", message), "requestId": f"r-{uuid.uuid4()}"}
        with self.file.open("a") as file:
            file.writelines(json.dumps({**row, **each}) + "\n" for each in (prompt_row, answer_row))

    def _row(self, kind: str, message: dict[str, Any]) -> dict[str, Any]:
        self._moment += timedelta(seconds=1)
        parent, self._last = self._last, str(uuid.uuid4())
        return {
            "type": kind,
            "uuid": self._last,
            "parentUuid": parent,
            "timestamp": self._moment.isoformat(timespec="milliseconds"),
            "message": message,
        }

    @property
    def path(self) -> str:
        """Return the path of the session's route."""
        return f"/api/sessions/{self.session_id}"


def index_files(server: LiveServer) -> list[Path]:
    """Return every file of the server's index."""
    return sorted(server.state.glob("index-*"))
