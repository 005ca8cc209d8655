"""Turns of one server: start, stop, answer, list.

Each turn has one task, created in `start` and ended at the latest in `stop`. Each prompt is
accepted in a task that ends with its acceptance; `stop` waits for those too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from xo_cowork_core.sdk import (
    AgentError,
    Conflict,
    Event,
    KeepsHistory,
    NotFound,
    Unavailable,
)
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.history.message_assembler import MessageAssembler
from xo_cowork_core.services.run_tokens import RunTokens
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.turns.active_turn import ActiveTurn, StartedTurn, TurnListener
from xo_cowork_core.services.turns.prompt import Prompt, ResolvedTurn
from xo_cowork_core.services.turns.resolver import TurnResolver
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.services.turns.stored_requests import find_request
from xo_cowork_core.services.turns.turn_errors import explain_error
from xo_cowork_core.services.turns.turn_store import TurnStore

RETRY_SECONDS = 10.0
ABORT_SECONDS = 8.0
log = logging.getLogger("xo_cowork.turns")
StopOwner = Callable[[str], Awaitable[str]]


class Turns:
    """All running turns of one server. `stop_owner` ends the processes of a
    stream's turn and returns what one that failed before printed last."""

    def __init__(
        self,
        *,
        resolver: TurnResolver,
        registry: Registry,
        eventlog: EventLog,
        store: TurnStore,
        run_tokens: RunTokens,
        clock: Clock,
        stop_owner: StopOwner,
        permission_seconds: float,
        listeners: Sequence[TurnListener] = (),
    ) -> None:
        self._resolver = resolver
        self._registry = registry
        self._eventlog = eventlog
        self._store = store
        self._run_tokens = run_tokens
        self._clock = clock
        self._stop_owner = stop_owner
        self._permission_seconds = permission_seconds
        self._listeners = listeners
        # by session id
        self._active: dict[str, ActiveTurn] = {}
        self._accepting: dict[Prompt, asyncio.Task[StartedTurn]] = {}
        self._tasks = set[asyncio.Task[None]]()
        self._is_stopping = False
        self.started_total = 0

    async def start(self, prompt: Prompt) -> StartedTurn:
        """Accept a prompt: once this returns the turn is on disk and runs.

        With `prompt.edits` the user's message of that id, and what follows it, is dropped first.
        Raises what `TurnResolver.resolve` raises, Conflict while the session's turn runs,
        Unsupported where the runtime cannot edit, Unavailable while the server stops or its disk
        refuses.
        """
        if retried := self._find_retried(prompt):
            return retried.started
        accepting = self._accepting.get(prompt)
        if accepting is None:
            accepting = asyncio.create_task(self._accept_once(prompt), name="accept prompt")
            self._accepting[prompt] = accepting
        # a client that leaves must not leave a stored turn behind that does not run
        return await asyncio.shield(accepting)

    async def abort(self, stream_id: str) -> bool:
        """Stop a running turn and wait for its end; False when no such turn runs."""
        active = self._find_by_stream(stream_id)
        if active is None:
            return False
        active.running.stop("aborted")
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                await active.running.ended.wait()
        except TimeoutError:
            log.error("turn %s has not ended %s s after abort", stream_id, ABORT_SECONDS)
        return True

    async def respond(self, stream_id: str, call_id: str, response: object) -> None:
        """Answer a request of a running turn.

        Raises NotFound for a request that the stream never made, Conflict for one that was
        answered or whose turn has ended, BadRequest for an answer that does not fit.
        """
        active = self._find_by_stream(stream_id)
        if active:
            await active.running.interactions.respond(call_id, response)
            return
        was_requested = await find_request(self._eventlog, stream_id, call_id)
        if was_requested is None:
            raise NotFound("Stream not found")
        if not was_requested:
            raise NotFound("No such request in this turn")
        raise Conflict("This turn has ended; its requests can no longer be answered")

    def active(self) -> Sequence[RunningTurn]:
        """Return the running turns, oldest first."""
        return [active.running for active in self._active.values()]

    def running_stream(self, session_id: str) -> str | None:
        """Return the stream id of the session's running turn."""
        active = self._active.get(session_id)
        return active.started.stream_id if active else None

    async def stop(self) -> None:
        """End every turn with an `agent-error` for its readers."""
        self._is_stopping = True
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                self._request_stop()
                if self._accepting:
                    await asyncio.wait(list(self._accepting.values()))
                    self._request_stop()
                if self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            log.error("not every turn ended within %s s of the stop", ABORT_SECONDS)

    async def _accept_once(self, prompt: Prompt) -> StartedTurn:
        try:
            return await self._accept(prompt)
        finally:
            del self._accepting[prompt]

    async def _accept(self, prompt: Prompt) -> StartedTurn:
        resolved = await self._resolver.resolve(prompt)
        with self._run_tokens.ended_on_error(resolved.turn.stream_id):
            self._require_free(resolved.turn.session_id)
            active = self._reserve(prompt, resolved)
            try:
                if prompt.edits is not None:
                    await self._store.drop_from(prompt.edits, resolved)
                await self._store.insert(resolved, active.running.started_at)
            except BaseException:
                self._release(active)
                raise
        self.started_total += 1
        for listener in self._listeners:
            listener.turn_started(active.running)
        active.task = asyncio.create_task(
            self._run(active), name=f"turn {active.started.stream_id}"
        )
        _track(self._tasks, active.task)
        return active.started

    def _request_stop(self) -> None:
        for active in self._active.values():
            active.running.stop("restart")

    def _find_retried(self, prompt: Prompt) -> ActiveTurn | None:
        """Return the running turn that an identical prompt started a moment ago: `prompt` is a
        client's network retry."""
        now = self._clock.monotonic()
        for active in self._active.values():
            is_recent = now - active.accepted_at < RETRY_SECONDS
            if active.task and is_recent and active.matches(prompt):
                return active
        return None

    def _require_free(self, session_id: str) -> None:
        if self._is_stopping:
            raise Unavailable("The server is stopping", retry_after=5)
        active = self._active.get(session_id)
        if active:
            raise Conflict(
                "A turn of this session is still running",
                details={"stream_id": active.started.stream_id, "session_id": session_id},
            )

    def _reserve(self, prompt: Prompt, resolved: ResolvedTurn) -> ActiveTurn:
        turn, started_at = resolved.turn, self._clock.now()
        has_store = isinstance(resolved.owner.runtime, KeepsHistory)
        running = RunningTurn(
            resolved,
            self._eventlog.open(turn.stream_id),
            self._eventlog,
            self._clock,
            started_at=started_at,
            assembler=None if has_store else MessageAssembler(f"{turn.stream_id}-a", started_at),
            permission_seconds=self._permission_seconds,
        )
        active = ActiveTurn(
            prompt=prompt,
            accepted_at=self._clock.monotonic(),
            started=StartedTurn(turn.stream_id, turn.session_id, turn.agent_id, str(turn.cwd)),
            running=running,
        )
        self._active[turn.session_id] = active
        return active

    def _release(self, active: ActiveTurn) -> None:
        self._active.pop(active.started.session_id, None)
        self._eventlog.discard(active.started.stream_id)

    def _find_by_stream(self, stream_id: str) -> ActiveTurn | None:
        return next((t for t in self._active.values() if t.started.stream_id == stream_id), None)

    async def _run(self, active: ActiveTurn) -> None:
        running = active.running
        try:
            terminal: Event = await running.run()
        except Exception:
            log.exception("turn %s", active.started.stream_id)
            terminal = AgentError("The turn failed inside the server", "internal")
        self._run_tokens.end(running.turn.stream_id)
        stderr = await _stop_processes(self._stop_owner, running.turn.stream_id)
        terminal = explain_error(running.resolved, terminal, stderr)
        await self._store.store_answer(running, terminal)
        await running.store_end(terminal)
        # before readers get the terminal event: their next prompt must not be refused
        self._active.pop(active.started.session_id, None)
        running.show_end()
        for listener in self._listeners:
            listener.turn_ended(running)
        await self._registry.turn_finished(running.turn, running.outcome)


def _track(tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """Keep a task until it ends, which is after the plugins' hooks at the end of its turn."""
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _stop_processes(stop_owner: StopOwner, stream_id: str) -> str:
    """End the processes of a turn; return what a failed one printed last."""
    try:
        return await stop_owner(stream_id)
    except Exception:
        log.exception("processes of turn %s could not be ended", stream_id)
        return ""
