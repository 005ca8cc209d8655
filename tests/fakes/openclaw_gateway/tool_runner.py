"""The tools of a run: `write`, and `exec` with its approvals."""

import asyncio
import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks import Tasks

TOOL_SECONDS = 600
Publish = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Approval:
    """A command that waits for a client's decision."""

    request: dict[str, Any]
    decision: asyncio.Future[str]


class ToolRunner:
    """Really runs the tools of one run. `approvals` holds the open ones by id."""

    def __init__(
        self, run_id: str, session: dict[str, Any], publish: Publish, tasks: Tasks
    ) -> None:
        self.approvals: dict[str, Approval] = {}
        self._run_id = run_id
        self._session = session
        self._publish = publish
        self._tasks = tasks

    async def run(self, call_id: str, name: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        """Run one call; return whether it failed, and its output."""
        folder = Path(self._session.get("spawnedCwd") or Path.home())
        if name == "write":
            (folder / arguments["path"]).write_text(arguments["content"])
            return False, f"Successfully wrote {arguments['path']}"
        if name != "exec":
            return True, f"Tool {name} not found"
        guarded = self._session.get("permissionMode") == "guarded"
        if guarded and await self._decision(call_id, arguments["command"]) != "allow-once":
            return True, "exec denied"
        return await self._run_command(folder, arguments)

    async def _run_command(self, folder: Path, arguments: dict[str, Any]) -> tuple[bool, str]:
        process = await asyncio.create_subprocess_shell(
            arguments["command"],
            cwd=folder,
            env={**os.environ, "OPENCLAW_SHELL": "exec"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        if arguments.get("background"):
            task_id = self._tasks.add(self._session["key"], process)
            return False, f"Command still running (session {task_id})."
        try:
            output, _ = await asyncio.wait_for(process.communicate(), TOOL_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return False, output.decode() or "(no output)"

    async def _decision(self, call_id: str, command: str) -> str:
        approval_id = str(uuid.uuid4())
        request = {"command": command, "runId": self._run_id, "toolCallId": call_id}
        approval = Approval(request, asyncio.get_running_loop().create_future())
        self.approvals[approval_id] = approval
        self._publish("exec.approval.requested", {"id": approval_id, "request": request})
        try:
            decision = await approval.decision
        finally:
            del self.approvals[approval_id]
        resolved = {"id": approval_id, "decision": decision, "request": request}
        self._publish("exec.approval.resolved", resolved)
        return decision
