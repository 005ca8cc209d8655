"""The session file of the fake: rows of a tree, like the real one's."""

import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from stream import emit, new_uuid


def projects():
    config = os.environ.get("CLAUDE_CONFIG_DIR") or str(Path(os.environ["HOME"]) / ".claude")
    return Path(config) / "projects"


def find(session):
    return next(iter(projects().glob(f"*/{session}.jsonl")), None)


def readable(file):
    return file is not None and '"parentUuid"' in file.read_text()


def check_session(options):
    """Return the exit code when the session can't start with these options, else None."""
    if options.get("session-id") and find(options["session-id"]):
        sys.stderr.write(f"Error: Session ID {options['session-id']} is already in use.\n")
        return 1
    if options.get("resume") and not readable(find(options["resume"])):
        error = f"No conversation found with session ID: {options['resume']}"
        sys.stderr.write(f"{error}\n")
        emit({"type": "result", "subtype": "error_during_execution", "is_error": True,
              "num_turns": 0, "errors": [error]})  # fmt: skip
        return 1
    return None


class SessionFile:
    """One session's file, appended to."""

    def __init__(self, session, at):
        folder = projects() / re.sub(r"[^A-Za-z0-9]", "-", str(Path.cwd()))
        self._file = find(session) or folder / f"{session}.jsonl"
        self._session = session
        self._leaf = at or self._last()

    def user(self, content, uuid=None, **more):
        """Append a user row and return its id."""
        return self._add("user", {"role": "user", "content": content}, uuid, more)

    def assistant(self, message, **more):
        """Append an assistant row."""
        return self._add("assistant", message, None, more)

    def prompts(self):
        """The user's texts on the branch that the next row goes on, oldest first."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        rows = {row["uuid"]: row for row in map(json.loads, lines)}
        texts, place = [], self._leaf
        while place in rows:
            row = rows[place]
            if row["type"] == "user":
                texts += [block["text"] for block in row["message"]["content"] if "text" in block]
            place = row["parentUuid"]
        return texts[::-1]

    def _add(self, kind, message, uuid, more):
        uuid = uuid or new_uuid()
        row = {
            "parentUuid": self._leaf,
            "isSidechain": False,
            "type": kind,
            "message": message,
            "uuid": uuid,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "cwd": str(Path.cwd()),
            "sessionId": self._session,
            **more,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self._leaf = uuid
        return uuid

    def _last(self):
        if not self._file.exists():
            return None
        rows = [json.loads(line) for line in self._file.read_text().splitlines()]
        return rows[-1]["uuid"] if rows else None
