"""The idle processes: one per active session, capped in number and ended after a while.

The pool owns the short tasks that end processes; what is alive when the plugin stops is ended by
the host.
"""

import asyncio
from collections import OrderedDict

from xo_runtime_claude.process.arguments import ProcessBinding
from xo_runtime_claude.process.warm_process import WarmProcess

CLOSING_SECONDS = 8.0


class ProcessPool:
    """Idle processes by session, least recently used first."""

    def __init__(self, limit: int, idle_seconds: float) -> None:
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._idle: OrderedDict[str, WarmProcess] = OrderedDict()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._idle)

    async def take(self, session_id: str, binding: ProcessBinding) -> WarmProcess | None:
        """Take a session's process out; None when there is none with this binding.

        One with another binding is ended first: two processes of one session would not see each
        other's turns.
        """
        warm = self._remove(session_id)
        if warm and warm.is_alive and warm.binding == binding:
            return warm
        if warm:
            # in a task of its own: the caller may be cancelled
            self._end(warm)
        await self._wait_closed(session_id)
        return None

    def put(self, warm: WarmProcess) -> None:
        """Keep a process whose turn is over. The pool ends it when its time is up, or when there
        are too many, the least recently used first; dead ones don't count."""
        for session_id in [key for key, idle in self._idle.items() if not idle.is_alive]:
            self._close(session_id)
        self._idle[warm.session_id] = warm
        loop = asyncio.get_running_loop()
        self._timers[warm.session_id] = loop.call_later(
            self._idle_seconds, self._close, warm.session_id
        )
        while len(self._idle) > self._limit:
            self._close(next(iter(self._idle)))

    async def discard(self, session_id: str) -> None:
        """End a session's idle process and wait until it is gone, at most 8 s."""
        self._close(session_id)
        await self._wait_closed(session_id)

    def _remove(self, session_id: str) -> WarmProcess | None:
        timer = self._timers.pop(session_id, None)
        if timer:
            timer.cancel()
        return self._idle.pop(session_id, None)

    def _close(self, session_id: str) -> None:
        warm = self._remove(session_id)
        if warm:
            self._end(warm)

    def _end(self, warm: WarmProcess) -> None:
        session_id = warm.session_id
        task = asyncio.create_task(warm.end(graceful=True), name=f"end idle claude {session_id}")
        self._closing[session_id] = task
        task.add_done_callback(lambda done: self._forget(session_id, done))

    def _forget(self, session_id: str, task: asyncio.Task[None]) -> None:
        if self._closing.get(session_id) is task:
            del self._closing[session_id]

    async def _wait_closed(self, session_id: str) -> None:
        task = self._closing.get(session_id)
        if task:
            await asyncio.wait({task}, timeout=CLOSING_SECONDS)
