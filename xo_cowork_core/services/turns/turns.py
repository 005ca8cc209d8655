"""Turns: start, stop, answer, list. Stop two of a prompt's way, and the owner of every turn.

Each turn has one task, made in `start` and ended at the latest in `stop`.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from xo_cowork_core.sdk import (
    AgentError,
    BadRequest,
    Conflict,
    EditsHistory,
    Event,
    KeepsHistory,
    NotFound,
    Unavailable,
    Unsupported,
    XoError,
)
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.message_assembler import MessageAssembler
from xo_cowork_core.services.runtimes.calls import ask
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.turns.active_turn import ActiveTurn, Started, TurnListener
from xo_cowork_core.services.turns.ended_turns import find_request
from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.resolver import ResolvedTurn, TurnResolver
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.services.turns.turn_rows import insert_turn, user_message
from xo_cowork_core.storage.database import Database

RETRY_SECONDS = 10.0
ABORT_SECONDS = 8.0
log = logging.getLogger("xo_cowork.turns")
StopOwner = Callable[[str], Awaitable[None]]


class Turns:
    """All running turns of one server."""

    def __init__(
        self,
        *,
        resolver: TurnResolver,
        registry: Registry,
        eventlog: EventLog,
        history: HostHistory,
        database: Database,
        clock: Clock,
        stop_owner: StopOwner,
        permission_seconds: float,
        listeners: Sequence[TurnListener] = (),
    ) -> None:
        self._resolver = resolver
        self._registry = registry
        self._eventlog = eventlog
        self._history = history
        self._database = database
        self._clock = clock
        self._stop_owner = stop_owner
        self._permission_seconds = permission_seconds
        self._listeners = listeners
        self._slots: dict[str, ActiveTurn] = {}
        self._accepting: dict[Prompt, asyncio.Future[Started]] = {}
        self._stopping = False
        self.started_total = 0

    async def start(self, prompt: Prompt) -> Started:
        """Accept a prompt: once this returns the turn is on disk and runs.

        With `prompt.edits` the user's message of that id, and what follows it, is dropped first.
        Raises what `TurnResolver.resolve` raises, Conflict while the session's turn runs,
        Unsupported where the runtime cannot edit, Unavailable while the server stops or its disk
        refuses.
        """
        if again := self._same(prompt):
            return again.started
        if prompt in self._accepting:
            return await asyncio.shield(self._accepting[prompt])
        accepting: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
        self._accepting[prompt] = accepting
        try:
            started = await self._accept(prompt)
        except BaseException as error:
            told = error if isinstance(error, XoError) else Unavailable("The prompt was cut off")
            accepting.set_exception(told)
            # an equal prompt may wait for it, or nobody
            accepting.exception()
            raise
        finally:
            del self._accepting[prompt]
        accepting.set_result(started)
        return started

    async def abort(self, stream_id: str) -> bool:
        """Stop a running turn and wait for its end; False when no such turn runs."""
        slot = self._slot_of(stream_id)
        if slot is None:
            return False
        slot.running.stop("aborted")
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                await slot.running.ended.wait()
        except TimeoutError:
            log.error("turn %s has not ended %s s after abort", stream_id, ABORT_SECONDS)
        return True

    async def respond(self, stream_id: str, call_id: str, response: object) -> None:
        """Answer a request of a running turn.

        Raises NotFound for a request that the stream never made, Conflict for one that was
        answered or whose turn has ended, BadRequest for an answer that does not fit.
        """
        slot = self._slot_of(stream_id)
        if slot:
            await slot.running.requests.respond(call_id, response)
            return
        requested = await find_request(self._eventlog, stream_id, call_id)
        if requested is None:
            raise NotFound("Stream not found")
        if not requested:
            raise NotFound("No such request in this turn")
        raise Conflict("This turn has ended; what it asked can no longer be answered")

    def active(self) -> Sequence[RunningTurn]:
        """Return the running turns, oldest first."""
        return [slot.running for slot in self._slots.values()]

    def running_stream(self, session_id: str) -> str | None:
        """Return the stream id of the session's running turn."""
        slot = self._slots.get(session_id)
        return slot.started.stream_id if slot else None

    async def stop(self) -> None:
        """End every turn with a word to its readers."""
        self._stopping = True
        try:
            async with asyncio.timeout(ABORT_SECONDS):
                self._tell_to_stop()
                if self._accepting:
                    await asyncio.wait(list(self._accepting.values()))
                    self._tell_to_stop()
                tasks = [slot.task for slot in self._slots.values() if slot.task]
                if tasks:
                    await asyncio.wait(tasks)
        except TimeoutError:
            log.error("not every turn ended within %s s of the stop", ABORT_SECONDS)

    async def _accept(self, prompt: Prompt) -> Started:
        resolved = await self._resolver.resolve(prompt)
        self._refuse_second(resolved.turn.session_id)
        slot = self._reserve(prompt, resolved)
        try:
            await self._edit(prompt, resolved)
            await self._store(resolved, slot.running.started_at)
        except BaseException:
            self._release(slot)
            raise
        self.started_total += 1
        for listener in self._listeners:
            listener.turn_started(slot.running)
        slot.task = asyncio.create_task(self._own(slot), name=f"turn {slot.started.stream_id}")
        return slot.started

    def _tell_to_stop(self) -> None:
        for slot in self._slots.values():
            slot.running.stop("restart")

    def _same(self, prompt: Prompt) -> ActiveTurn | None:
        """The running turn of an identical prompt just sent: a client's network retry."""
        now = self._clock.monotonic()
        for slot in self._slots.values():
            if slot.task and now - slot.since < RETRY_SECONDS and slot.matches(prompt):
                return slot
        return None

    def _refuse_second(self, session_id: str) -> None:
        if self._stopping:
            raise Unavailable("The server is stopping", retry_after=5)
        slot = self._slots.get(session_id)
        if slot:
            raise Conflict(
                "A turn of this session is still running",
                details={"stream_id": slot.started.stream_id, "session_id": session_id},
            )

    def _reserve(self, prompt: Prompt, resolved: ResolvedTurn) -> ActiveTurn:
        turn = resolved.turn
        keeps = isinstance(resolved.owner.runtime, KeepsHistory)
        started_at = self._clock.now()
        fold = None if keeps else MessageAssembler(f"{turn.stream_id}-a", started_at)
        running = RunningTurn(
            resolved,
            self._eventlog.open(turn.stream_id),
            self._eventlog,
            self._clock,
            started_at=started_at,
            fold=fold,
            permission_seconds=self._permission_seconds,
        )
        slot = ActiveTurn(
            prompt=prompt,
            since=self._clock.monotonic(),
            started=Started(turn.stream_id, turn.session_id),
            running=running,
        )
        self._slots[turn.session_id] = slot
        return slot

    def _release(self, slot: ActiveTurn) -> None:
        self._slots.pop(slot.started.session_id, None)
        self._eventlog.forget(slot.started.stream_id)

    async def _edit(self, prompt: Prompt, resolved: ResolvedTurn) -> None:
        if prompt.edits is None:
            return
        runtime, title = resolved.owner.runtime, resolved.owner.info.title
        if resolved.turn.new_session:
            raise BadRequest("Only the runtime that owns a session can edit it")
        if not isinstance(runtime, EditsHistory):
            raise Unsupported(f"{title} cannot edit a session's past")
        session_id = resolved.turn.session_id
        # the runtime first: when it can't, the host's history still tells what the agent knows
        await ask(runtime.drop(session_id, prompt.edits), "drop the message")
        if not isinstance(runtime, KeepsHistory):
            await self._history.drop(session_id, prompt.edits)

    def _slot_of(self, stream_id: str) -> ActiveTurn | None:
        return next((s for s in self._slots.values() if s.started.stream_id == stream_id), None)

    async def _store(self, resolved: ResolvedTurn, started_at: datetime) -> None:
        turn = resolved.turn
        name, keeps = resolved.owner.info.name, isinstance(resolved.owner.runtime, KeepsHistory)
        said = user_message(turn, started_at)
        try:
            await self._database.write(
                lambda connection: insert_turn(connection, turn, name, said, host_history=not keeps)
            )
        except sqlite3.Error as error:
            log.error("a turn could not be stored: %s", error)
            raise Unavailable("The state folder cannot be written; is its disk full?") from error

    async def _own(self, slot: ActiveTurn) -> None:
        running = slot.running
        try:
            terminal: Event = await running.run()
        except Exception:
            log.exception("turn %s", slot.started.stream_id)
            terminal = AgentError("The turn failed inside the server", "internal")
        await self._clean_up(running)
        await self._keep(running, terminal)
        # the session is free before readers hear of the end: their next prompt must not be refused
        self._slots.pop(slot.started.session_id, None)
        running.close(terminal)
        for listener in self._listeners:
            listener.turn_ended(running)
        self._registry.turn_finished(running.turn, running.outcome)

    async def _clean_up(self, running: RunningTurn) -> None:
        try:
            await self._stop_owner(running.turn.stream_id)
        except Exception:
            log.exception("processes of turn %s could not be ended", running.turn.stream_id)

    async def _keep(self, running: RunningTurn, terminal: Event) -> None:
        try:
            message = running.message(terminal)
            if message:
                await self._history.add(running.turn.session_id, message)
        except Exception:
            # a full disk, or what a plugin said: its readers are told of the end all the same
            log.exception("the answer of turn %s was not kept", running.turn.stream_id)
