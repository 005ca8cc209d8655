"""What a run's commands left running, ended when the run is stopped.

`chat.abort` ends only the command that the run waits for. One in the background (meant to be, or
slower than ten seconds) is a task of the gateway and is cancelled there: if it were killed, the
gateway would wake the agent to tell it. What got away from its command (own session, double fork)
is known by what the gateway puts into the environment of each.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk import Processes
from xo_runtime_openclaw.gateway.frames import Refused, Row, row, rows, text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

ASK_SECONDS = 2.0
KILL_AFTER_SECONDS = 0.5
TICK_SECONDS = 0.01  # as exact as the start of a process is known
PAGE = 100
# the gateway's page is in the order of changes; what runs may have changed long ago
RUNNING: Row = {"activeOnly": True}
RECENT: Row = {"includeGlobal": True, "includeUnknown": True}


@dataclass(frozen=True, slots=True)
class Other:
    """Another session. `ended` is when its last run did, by `time.monotonic`."""

    session: Row
    runs: bool
    ended: float


class RunCommands:
    """Those of the run that begins in session `key`, in folder `cwd`, when this is made."""

    def __init__(
        self, gateway: Gateway, processes: Processes, options: Options, *, key: str, cwd: Path
    ) -> None:
        self._gateway = gateway
        self._processes = processes
        self._options = options
        self._key = key
        self._cwd = cwd
        self._since = time.monotonic()

    async def end(self) -> None:
        """End them. What may be another session's is left alone, and so is everything when the
        gateway doesn't say who else runs."""
        others: Sequence[Other] | None = None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                others = await self._settle()
        except* (GatewayUnavailable, Refused, TimeoutError):
            pass
        if others is None or not self._options.loopback:
            return
        near = [one for one in others if _may_share(one.session, self._cwd)]
        if any(one.runs for one in near):
            return
        if others:
            await self._end_strays(near, self._cwd)
        if not any(one.runs for one in others):
            await self._end_strays(others, None)

    async def _end_strays(self, others: Sequence[Other], folder: Path | None) -> None:
        """End what began when the others had ended."""
        await self._processes.terminate_matching(
            {"OPENCLAW_SHELL": "exec", "OPENCLAW_GATEWAY_PORT": str(self._options.port)},
            since=max([self._since, *(one.ended + TICK_SECONDS for one in others)]),
            folder=folder,
            kill_after=KILL_AFTER_SECONDS,
        )

    async def _settle(self) -> Sequence[Other]:
        """Cancel the run's tasks, and return the other sessions that ran since it began."""
        lasted = time.monotonic() - self._since
        mine = {"sessionKey": self._key, "status": ["queued", "running"]}
        # at once: a gateway that is busy takes its time for each
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self._ask("sessions.list", RUNNING))
            recent = group.create_task(self._ask("sessions.list", RECENT))
            tasks = group.create_task(self._ask("tasks.list", mine))
        now = _moment(running.result(), "ts")  # by the gateway's clock
        begun, ahead = now - 1000 * lasted, now / 1000 - time.monotonic()
        for task in rows(tasks.result().get("tasks")):
            if _moment(task, "createdAt") >= begun:
                await self._gateway.call("tasks.cancel", {"taskId": text_of(task.get("id"))})
        listed = (*rows(running.result().get("sessions")), *rows(recent.result().get("sessions")))
        others = [_other(one, ahead) for one in listed if one.get("key") != self._key]
        return [one for one in others if one.runs or one.ended >= self._since]

    async def _ask(self, method: str, params: Row) -> Row:
        return row(await self._gateway.call(method, {**params, "limit": PAGE}))


def _other(session: Row, ahead: float) -> Other:
    ended = max(_moment(session, "startedAt"), _moment(session, "endedAt"))
    return Other(session, session.get("hasActiveRun") is True, ended / 1000 - ahead)


def _may_share(session: Row, cwd: Path) -> bool:
    """Whether commands of a session may work where ours do."""
    told = text_of(session.get("spawnedCwd")) or text_of(session.get("workspaceDir"))
    place = Path(told)
    return not told or place.is_relative_to(cwd) or cwd.is_relative_to(place)


def _moment(about: Row, name: str) -> float:
    """Return a time in milliseconds since 1970; 0 when it isn't told."""
    value = about.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
