"""Commands that a run left running; they end when the run is stopped.

`chat.abort` ends only the command that the run waits for. A background command (by intent, or
slower than ten seconds) is a task of the gateway and is cancelled there: if its process were
killed, the gateway would wake the agent. A detached process (own session, double fork) is
identified by the variables that the gateway sets for each command.

A busy gateway can take many seconds to report its sessions, so the work is a background task.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import HostContext
from xo_runtime_openclaw.gateway.frames import GatewayError, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

ASK_SECONDS = 30.0
WAIT_SECONDS = 2.0
KILL_AFTER_SECONDS = 0.5
TICK_SECONDS = 0.01  # resolution of a process start time
PAGE = 100
# pages are ordered by last change; a running session may have changed long ago
RUNNING: Row = {"activeOnly": True}
RECENT: Row = {"includeGlobal": True, "includeUnknown": True}


class OtherSession(NamedTuple):
    """Another session. `ended` is the end of its last run, by `time.monotonic`."""

    session: Row
    runs: bool
    ended: float


class RunCommands:
    """The commands of the run that starts now in session `key` and folder `cwd`."""

    def __init__(
        self, gateway: Gateway, context: HostContext, options: Options, *, key: str, cwd: Path
    ) -> None:
        self._gateway = gateway
        self._context = context
        self._options = options
        self._key = key
        self._cwd = cwd
        self._since = time.monotonic()
        self._until: float | None = None  # set when the session may run its next turn
        self._ending: asyncio.Task[None] | None = None

    async def end(self) -> None:
        """End the commands, within `WAIT_SECONDS` or later in the background.

        Processes that may belong to another session stay, and all of them when the gateway does not
        report the other sessions within `ASK_SECONDS`.
        """
        if self._ending is None:
            try:
                self._ending = self._context.create_task(self._end(), "end commands")
            except RuntimeError:  # the server is stopping
                return
        try:
            await asyncio.wait({self._ending}, timeout=WAIT_SECONDS)
        finally:
            self._until = time.monotonic()

    async def _end(self) -> None:
        others: Sequence[OtherSession] | None = None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                others = await self._settle()
        except* (GatewayUnavailable, GatewayError, TimeoutError):
            pass
        if others is None or not self._options.loopback:
            return
        sharing = [session for session in others if _may_share(session.session, self._cwd)]
        if any(session.runs for session in sharing):
            return
        if others:
            await self._end_processes(sharing, self._cwd)
        if not any(session.runs for session in others):
            await self._end_processes(others, None)

    async def _end_processes(self, others: Sequence[OtherSession], folder: Path | None) -> None:
        """End the processes that started after the other sessions had ended."""
        await self._context.processes.terminate_matching(
            {"OPENCLAW_SHELL": "exec", "OPENCLAW_GATEWAY_PORT": str(self._options.port)},
            since=max([self._since, *(session.ended + TICK_SECONDS for session in others)]),
            until=self._until,
            folder=folder,
            kill_after=KILL_AFTER_SECONDS,
        )

    async def _settle(self) -> Sequence[OtherSession]:
        """Cancel the run's tasks, and return the other sessions that ran since it started."""
        own_tasks = {"sessionKey": self._key, "status": ["queued", "running"]}
        # concurrently: a busy gateway answers each one slowly
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self._list_running())
            recent = group.create_task(self._call("sessions.list", RECENT))
            tasks = group.create_task(self._call("tasks.list", own_tasks))
        running_sessions, clock_offset = running.result()
        for task in rows(tasks.result().get("tasks")):
            if self._is_own(_time_ms(task, "createdAt") / 1000 - clock_offset):
                await self._gateway.call("tasks.cancel", {"taskId": text_of(task.get("id"))})
        listed = (*running_sessions, *rows(recent.result().get("sessions")))
        others = [
            _other(session, clock_offset) for session in listed if session.get("key") != self._key
        ]
        return [session for session in others if session.runs or session.ended >= self._since]

    def _is_own(self, started: float) -> bool:
        """Return whether a task of the session that started at this time is of the run."""
        return self._since <= started and (self._until is None or started < self._until)

    async def _list_running(self) -> tuple[Sequence[Row], float]:
        """Return the running sessions, and the gateway's clock minus `time.monotonic` in seconds.

        The clocks are compared when the answer comes: it may take long.
        """
        answer = await self._call("sessions.list", RUNNING)
        return rows(answer.get("sessions")), _time_ms(answer, "ts") / 1000 - time.monotonic()

    async def _call(self, method: str, params: Row) -> Row:
        return row(await self._gateway.call(method, {**params, "limit": PAGE}))


def _other(session: Row, clock_offset: float) -> OtherSession:
    ended = max(_time_ms(session, "startedAt"), _time_ms(session, "endedAt"))
    return OtherSession(session, session.get("hasActiveRun") is True, ended / 1000 - clock_offset)


def _may_share(session: Row, cwd: Path) -> bool:
    """Return whether commands of a session may run in this folder."""
    folder_name = text_of(session.get("spawnedCwd")) or text_of(session.get("workspaceDir"))
    folder = Path(folder_name)
    return not folder_name or folder.is_relative_to(cwd) or cwd.is_relative_to(folder)


def _time_ms(about: Row, name: str) -> float:
    """Return a time in milliseconds since 1970; 0 when it is missing."""
    value = about.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
