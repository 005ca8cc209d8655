"""The sessions of the fake and their records, in a file in place of a database."""

import json
import time
import uuid
from pathlib import Path
from typing import Any


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)


class SessionStore:
    """All sessions by key."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.sessions: dict[str, dict[str, Any]] = {}
        if file.exists():
            self.sessions = json.loads(file.read_text())

    def create(self, key: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the session with this key; create it if it does not exist."""
        if key not in self.sessions:
            self.sessions[key] = {
                "key": key,
                "sessionId": str(uuid.uuid4()),
                "agentId": key.split(":")[1],
                "createdAt": now(),
                "updatedAt": now(),
                "spawnedCwd": params.get("cwd"),
                "permissionMode": params.get("permissionMode"),
                "model": params.get("model"),
                "records": [],
            }
            self.save()
        return self.sessions[key]

    def find(self, session_id: str | None, key: str | None) -> dict[str, Any] | None:
        """Return a session by id or key."""
        if key:
            return self.sessions.get(key)
        rows = (row for row in self.sessions.values() if row["sessionId"] == session_id)
        return next(rows, None)

    def add(self, key: str, run_id: str, message: dict[str, Any]) -> dict[str, Any]:
        """Append a record and return it as clients get it."""
        origin = {"runId": run_id, "id": str(uuid.uuid4())}
        record = {"timestamp": now(), **message, "__openclaw": origin}
        session = self.sessions[key]
        session["records"].append(record)
        session["updatedAt"] = now()
        self.save()
        return record

    def save(self) -> None:
        """Write the file atomically."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(self.sessions))
        temporary.replace(self._file)


def row_of(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session as lists show it."""
    return {name: value for name, value in session.items() if name != "records"}
