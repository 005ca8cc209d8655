"""The flows of one app: those that are open, and those that ended within the last 10 minutes.

Owns the task that lets time pass; `stop` ends it and closes the flows.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from xo_cowork_core.services.auth_flows.active_flow import ActiveFlow
from xo_cowork_core.services.auth_flows.events import TimePassed
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.step import next_time
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.errors import FlowNotFound

KEEP_ENDED = timedelta(minutes=10)
MAX_ENDED = 64
MAX_PAUSE_SECONDS = 30.0
MIN_PAUSE_SECONDS = 0.05


class FlowTable:
    """Finds flows, and drops those that ended long ago; `on_forget` is called for each."""

    def __init__(self, clock: Clock, on_forget: Callable[[], None]) -> None:
        self._clock = clock
        self._on_forget = on_forget
        self._active: dict[str, ActiveFlow] = {}
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let time pass for the flows."""
        self._task = asyncio.create_task(self._run(), name="flow deadlines")

    async def stop(self) -> None:
        """End all tasks, and free what the flows hold."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        async with asyncio.TaskGroup() as group:
            for active in self._active.values():
                group.create_task(active.close(), name="flow end")

    def wake(self) -> None:
        """Look at the deadlines again."""
        self._wakeup.set()

    def flows(self) -> Sequence[Flow]:
        """Return the states of all flows."""
        return [active.flow for active in self._active.values()]

    def open_flows(self) -> Sequence[ActiveFlow]:
        """Return the flows that have not ended."""
        return [active for active in self._active.values() if not active.flow.is_over]

    def add(self, active: ActiveFlow) -> None:
        """Add a flow."""
        self._active[active.flow.flow_id] = active

    def find(self, target: str, flow_id: str) -> ActiveFlow:
        """Return a flow of a target. Raises FlowNotFound."""
        active = self._active.get(flow_id)
        if active is None or active.flow.target != target:
            raise FlowNotFound("There is no such sign-in; it may have ended long ago.")
        return active

    def find_state(self, state: str) -> ActiveFlow | None:
        """Return the open flow that an authorization answer belongs to."""
        return next((each for each in self.open_flows() if each.flow.has_state(state)), None)

    def find_open(self, target: str, connection: str) -> ActiveFlow | None:
        """Return the open flow of a target's connection."""
        place = (target, connection)
        flows = self.open_flows()
        return next((e for e in flows if (e.flow.target, e.flow.connection) == place), None)

    def find_blocking(self, flow: Flow) -> Sequence[ActiveFlow]:
        """Return the open flows for the same connection or the same port."""
        place = (flow.target, flow.connection)
        return [
            each
            for each in self.open_flows()
            if (each.flow.target, each.flow.connection) == place
            or (flow.port and each.flow.port == flow.port)
        ]

    def pass_time(self, now: datetime) -> None:
        """Apply the deadlines that have passed, and forget old flows."""
        for active in list(self._active.values()):
            if active.flow.is_over and next_time(active.flow, KEEP_ENDED) <= now:
                self._forget(active.flow)
            elif not active.flow.is_over and active.flow.deadline <= now:
                active.dispatch(TimePassed())
        over = [active.flow for active in self._active.values() if active.flow.is_over]
        over.sort(key=lambda flow: flow.ended_at or flow.created_at)
        for flow in over[:-MAX_ENDED]:
            self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        self._active.pop(flow.flow_id)
        self._on_forget()

    async def _run(self) -> None:
        while True:
            self._wakeup.clear()
            now = self._clock.now()
            self.pass_time(now)
            moments = [next_time(flow, KEEP_ENDED) for flow in self.flows()]
            pauses = [(moment - now).total_seconds() for moment in moments]
            # the longest pause is short: the machine may have slept, or its clock been set
            pause = min([MAX_PAUSE_SECONDS, *pauses])
            try:
                async with asyncio.timeout(max(MIN_PAUSE_SECONDS, pause)):
                    await self._wakeup.wait()
            except TimeoutError:
                continue
