"""Commands of the stand-in that run in the background."""

import os
import signal
from asyncio.subprocess import Process
from typing import Any

from book import now


class Tasks:
    """All of them, by id."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[dict[str, Any], Process]] = {}

    def add(self, key: str, process: Process) -> str:
        """Take a command of a session over; return the task's id."""
        number = f"task-{len(self._all)}"
        row = {"id": number, "kind": "exec", "sessionKey": key, "createdAt": now()}
        self._all[number] = row, process
        return number

    def running(self, key: str) -> list[dict[str, Any]]:
        """List those of a session that run."""
        mine = [both for both in self._all.values() if both[0]["sessionKey"] == key]
        return [{**row, "status": "running"} for row, process in mine if process.returncode is None]

    def cancel(self, number: str) -> bool:
        """End one."""
        _, process = self._all[number]
        if process.returncode is not None:
            return False
        os.killpg(process.pid, signal.SIGKILL)
        return True
