"""Rollout files as the real one writes them: append-only, and a further file after an edit."""

import fcntl
import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

HOME = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


class NoRollout(Exception):
    """There is no file of this thread."""


class Locked(Exception):
    """Another process writes this thread."""


def new_id():
    """Make a UUID of version 7."""
    stamp = int(time.time() * 1000) << 80
    number = stamp | (uuid.uuid4().int & ((1 << 80) - 1))
    number = number & ~(0xF << 76) | (7 << 76)
    return str(uuid.UUID(int=number & ~(0x3 << 62) | (0x2 << 62)))


def now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Rollout:
    """One thread's file, locked while it is open."""

    def __init__(self, thread_id, cwd, *, exists):
        self.thread_id, self.cwd, self.ordinal = thread_id, cwd, 0
        self.starts = {}  # where each turn begins
        self._lock()
        files = sorted(HOME.glob(f"sessions/*/*/*/rollout-*-{thread_id}*.jsonl"))
        if exists and not files:
            self.close()
            raise NoRollout
        self.path = max(files, key=lambda p: p.stat().st_mtime_ns) if files else self._new_path()
        for path in sorted(files, key=lambda p: p.stat().st_mtime_ns):
            self._read(path)

    def write(self, kind, **payload):
        row = {"timestamp": now(), "ordinal": self.ordinal, "type": kind, "payload": payload}
        if payload.get("type") == "task_started":
            self.starts[payload["turn_id"]] = self.ordinal
        self.ordinal += 1
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def meta(self, **more):
        body = {"id": self.thread_id, "cwd": str(self.cwd), "model_provider": "fake"}
        self.write("session_meta", **body, **more)

    def made(self):
        """Have the file on disk."""
        if not self.path.exists():
            self.meta(history_mode="paginated")

    def item(self, turn_id, item):
        body = {"thread_id": self.thread_id, "turn_id": turn_id, "item": item}
        stamp = int(time.time() * 1000)
        self.write(
            "event_msg",
            type="item_completed",
            **body,
            started_at_ms=stamp,
            completed_at_ms=stamp,
        )

    def revert(self, turn_id):
        end = self.starts[turn_id]
        self.starts = {key: place for key, place in self.starts.items() if place < end}
        self.path = self._new_path(f"_{new_id()}")
        self.ordinal = end
        self.meta(history_base={"thread_id": self.thread_id, "end_ordinal_exclusive": end})

    def close(self):
        os.close(self._handle)

    def _read(self, path):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            base = row["payload"].get("history_base")
            if base:
                end = base["end_ordinal_exclusive"]
                self.starts = {key: place for key, place in self.starts.items() if place < end}
            if row["payload"].get("type") == "task_started":
                self.starts[row["payload"]["turn_id"]] = row["ordinal"]
            self.ordinal = row["ordinal"] + 1

    def _new_path(self, revision=""):
        stamp = datetime.now()
        name = f"rollout-{stamp:%Y-%m-%dT%H-%M-%S}-{self.thread_id}{revision}.jsonl"
        return HOME / "sessions" / f"{stamp:%Y/%m/%d}" / name

    def _lock(self):
        folder = HOME / "thread-writer-locks"
        folder.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(folder / self.thread_id, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise Locked from None
