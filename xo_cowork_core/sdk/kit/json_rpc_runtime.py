"""A runtime over an agent that speaks JSON-RPC on its stdio and has many sessions in a process."""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.events.base import Done, Event
from xo_cowork_core.sdk.health import Health
from xo_cowork_core.sdk.kit.json_rpc import JsonRpcError, JsonRpcPeer
from xo_cowork_core.sdk.kit.json_rpc_connection import JsonRpcAgent, JsonRpcConnection
from xo_cowork_core.sdk.kit.json_rpc_turn import JsonRpcTurn
from xo_cowork_core.sdk.kit.turn_registry import ActiveTurns
from xo_cowork_core.sdk.runtime.runtime import Answers, ChecksHealth, Interrupts, Runtime
from xo_cowork_core.sdk.runtime.turn import Turn, TurnAnswer

IDLE_SECONDS = 600.0
CANCEL_SECONDS = 2.0
Environment: TypeAlias = frozenset[tuple[str, SecretStr]]


class JsonRpcRuntime(Runtime, Interrupts, Answers, ChecksHealth, JsonRpcAgent):
    """Runs turns on processes of an agent, one for each environment that turns have.

    A subclass sets `title`, `command` (the program), `arguments` (what follows it), `install` (the
    command that installs it) and `environment` (entries that it gets besides the turn's). It
    implements `describe`, `start`, `resume`, `prompt`, `cancel`, `session_of`, `receive` and, where
    the agent makes requests, `reply`. A process without a turn for `idle_seconds` is ended. An
    agent that does not end a cancelled turn within 2 s is ended, with the other turns of that
    process. Owns the tasks that start and end processes, and one for each running prompt.
    """

    title: ClassVar[str]
    command: ClassVar[str]
    arguments: ClassVar[Sequence[str]] = ()
    install: ClassVar[str] = ""
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, context: HostContext, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.context = context
        self._idle_seconds = idle_seconds
        self._turns = ActiveTurns[JsonRpcTurn]()
        self._connections: dict[Environment, asyncio.Task[JsonRpcConnection]] = {}
        self._stops: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def start(self, peer: JsonRpcPeer) -> None:
        """Do what the protocol wants first, such as `await peer.request("initialize", …)`."""

    @abstractmethod
    async def resume(self, run: JsonRpcTurn) -> str:
        """Create or load the session `run.turn.session_id` and return the agent's own id of it."""

    @abstractmethod
    async def prompt(self, run: JsonRpcTurn) -> Done | None:
        """Send the prompt and return when the agent has ended the turn."""

    @abstractmethod
    async def cancel(self, run: JsonRpcTurn) -> None:
        """Tell the agent to stop the turn; `prompt` then returns."""

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        connection = await self._connect(turn)
        run = JsonRpcTurn(turn, connection.peer, self.title, self.cancel)
        connection.turn_count += 1
        try:
            with self._turns.running(turn, run):
                run.session = await self.resume(run)
                connection.add(run)
                if self._turns.is_interrupted(turn):
                    return
                async for event in self._prompt(run, connection):
                    yield event
        except JsonRpcError as error:
            raise AgentFailure(f"{self.title}: {error}") from error
        finally:
            connection.remove(run)
            self._turns.remove(turn)
            connection.turn_count -= 1
            self._end_when_idle(connection)

    async def health(self) -> Health:
        binary = await asyncio.to_thread(self.context.paths.binary, self.command)
        if binary is None:
            detail = f"{self.title} isn't installed."
            return Health("missing", detail=detail, fix=self.install or None)
        return Health("ready", str(binary))

    async def interrupt(self, turn: Turn) -> None:
        await self._turns.interrupt(turn)

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        await self._turns.answer(turn, call_id, answer)

    def find_peer(self) -> JsonRpcPeer | None:
        """Return the peer of a process that runs at the moment, for requests between turns."""
        for task in self._connections.values():
            if _is_usable(task) and task.done():
                return task.result().peer
        return None

    async def _prompt(
        self, run: JsonRpcTurn, connection: JsonRpcConnection
    ) -> AsyncIterator[Event]:
        ends: list[Done] = []

        async def send() -> None:
            end = await self.prompt(run)
            ends.extend([end] if end else [])

        prompt = asyncio.create_task(send(), name=f"prompt {run.turn.stream_id}")
        try:
            async for event in run.events_until(prompt):
                yield event
            for end in ends:
                yield end
        finally:
            if not prompt.done():
                await self._abandon(run, prompt, connection)

    async def _abandon(
        self, run: JsonRpcTurn, prompt: "asyncio.Task[None]", connection: JsonRpcConnection
    ) -> None:
        """Cancel the turn at the agent, or end the agent: the host no longer wants the turn."""
        with contextlib.suppress(AgentFailure):
            await run.interrupt()
        await asyncio.wait({prompt}, timeout=CANCEL_SECONDS)
        if not prompt.done():
            prompt.cancel()
            await connection.stop()

    async def _connect(self, turn: Turn) -> JsonRpcConnection:
        environment = frozenset(turn.environment.items())
        task = self._connections.get(environment)
        if task is None or not _is_usable(task):
            task = asyncio.create_task(self._open(environment), name=f"start {self.title}")
            self._connections[environment] = task
        # a turn that is cancelled must not cancel the start for the others
        return await asyncio.shield(task)

    async def _open(self, environment: Environment) -> JsonRpcConnection:
        binary = await asyncio.to_thread(self.context.paths.binary, self.command)
        process = await self.context.processes.spawn(
            [str(binary or self.command), *self.arguments],
            cwd=self.context.paths.home,
            environment={**self.environment, **dict(environment)},
        )
        connection = JsonRpcConnection(process, self, title=self.title, log=self.context.log)
        try:
            await self.start(connection.peer)
        except JsonRpcError as error:
            await connection.stop()
            raise AgentFailure(f"{self.title} did not start: {error}") from error
        except BaseException:
            await connection.stop()
            raise
        return connection

    def _end_when_idle(self, connection: JsonRpcConnection) -> None:
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        loop.call_later(self._idle_seconds, self._end_if_idle, connection)

    def _end_if_idle(self, connection: JsonRpcConnection) -> None:
        idle = asyncio.get_running_loop().time() - connection.idle_since
        if connection.turn_count or idle < self._idle_seconds:
            return
        self._connections = {
            environment: task
            for environment, task in self._connections.items()
            if not (_is_usable(task) and task.done() and task.result() is connection)
        }
        stop = asyncio.create_task(connection.stop(), name=f"end {self.title}")
        self._stops.add(stop)
        stop.add_done_callback(self._stops.discard)


def _is_usable(task: "asyncio.Task[JsonRpcConnection]") -> bool:
    """Return whether a process starts or runs."""
    if not task.done():
        return True
    if task.cancelled() or task.exception():
        return False
    return task.result().peer.failure is None
