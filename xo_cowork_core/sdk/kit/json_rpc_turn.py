"""One running turn of an agent that speaks JSON-RPC: its events, its requests, its interrupt."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from xo_cowork_core.sdk.events.base import Event
from xo_cowork_core.sdk.events.interactions import PermissionRequest, PlanReview, Question
from xo_cowork_core.sdk.kit.json_rpc import JsonRpcPeer
from xo_cowork_core.sdk.kit.pending_answers import PendingAnswers
from xo_cowork_core.sdk.kit.tool_calls import ToolCalls
from xo_cowork_core.sdk.runtime.turn import Turn, TurnAnswer

MAX_EVENTS = 1000


class JsonRpcTurn:
    """What the methods of a `JsonRpcRuntime` get of a turn.

    `session` is the agent's own id of the session, empty until it is known. `tools` builds the
    events of its tool calls, `plan_count` counts the plans that it sent. Owns no task.
    """

    def __init__(
        self,
        turn: Turn,
        peer: JsonRpcPeer,
        title: str,
        cancel: Callable[["JsonRpcTurn"], Awaitable[None]],
    ) -> None:
        self.turn = turn
        self.peer = peer
        self.session = ""
        self.is_interrupted = False
        self.tools = ToolCalls()
        self.plan_count = 0
        self._cancel = cancel
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._pending = PendingAnswers[asyncio.Future[TurnAnswer | None]](title)

    def emit(self, *events: Event) -> None:
        """Add events to the turn."""
        self._events.extend(events)
        self._changed.set()

    async def ask(self, request: PermissionRequest | Question | PlanReview) -> TurnAnswer | None:
        """Add a request and wait for its answer; None when the turn ends without one."""
        if self.is_interrupted:
            return None
        pending: asyncio.Future[TurnAnswer | None] = asyncio.get_running_loop().create_future()
        self._pending.add(request.call_id, pending)
        self.emit(request)
        return await pending

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when no request with this id waits for one."""
        pending = self._pending.take(call_id)
        if not pending.done():
            pending.set_result(answer)

    async def interrupt(self) -> None:
        """End the requests that wait and cancel the turn at the agent."""
        self.is_interrupted = True
        self.withdraw()
        if self.session:
            await self._cancel(self)

    def withdraw(self) -> None:
        """End every request that waits, without an answer."""
        for pending in self._pending:
            if not pending.done():
                pending.set_result(None)

    async def wait_for_room(self) -> None:
        """Wait while many events are not read yet, so that the agent is held back."""
        while len(self._events) >= MAX_EVENTS:
            self._has_room.clear()
            await self._has_room.wait()

    def close(self) -> None:
        """Drop what was not read: the turn is over."""
        self.withdraw()
        self._pending.close()
        self._events.clear()
        self._has_room.set()

    async def events_until(self, done: "asyncio.Task[None]") -> AsyncGenerator[Event, None]:
        """Yield the events as they come, and end with the task. Raises what the task raises."""
        done.add_done_callback(lambda _: self._changed.set())
        while self._events or not done.done():
            if not self._events:
                await self._changed.wait()
            self._changed.clear()
            while self._events:
                yield self._events.popleft()
            self._has_room.set()
        done.result()
