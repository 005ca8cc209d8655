"""Commands of the fake that run in the background."""

import os
import signal
from asyncio.subprocess import Process
from typing import Any

from session_store import now


class Tasks:
    """Background commands by task id."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[dict[str, Any], Process]] = {}

    def add(self, key: str, process: Process) -> str:
        """Add a command of a session; return the task's id."""
        task_id = f"task-{len(self._all)}"
        row = {"id": task_id, "kind": "exec", "sessionKey": key, "createdAt": now()}
        self._all[task_id] = row, process
        return task_id

    def running(self, key: str) -> list[dict[str, Any]]:
        """Return the running tasks of a session."""
        return [
            {**row, "status": "running"}
            for row, process in self._all.values()
            if row["sessionKey"] == key and process.returncode is None
        ]

    def cancel(self, task_id: str) -> bool:
        """Kill a task; False when it has ended."""
        _, process = self._all[task_id]
        if process.returncode is not None:
            return False
        os.killpg(process.pid, signal.SIGKILL)
        return True
