"""One process of an agent that speaks JSON-RPC, shared by the turns that run on it."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from xo_cowork_core.sdk.context import Process
from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.events.base import Json
from xo_cowork_core.sdk.kit.json_rpc import EMPTY, INVALID_PARAMS, JsonRpcPeer
from xo_cowork_core.sdk.kit.json_rpc_turn import JsonRpcTurn

REPLY_SECONDS = 24 * 3600.0


class JsonRpcAgent(ABC):
    """What a connection passes on to: the part of a runtime that reads the agent's messages."""

    @abstractmethod
    def session_of(self, params: Json) -> str:
        """Return the agent's id of the session that a message belongs to; empty for none."""

    @abstractmethod
    def receive(self, run: JsonRpcTurn, method: str, params: Json) -> None:
        """Handle a notification of the turn's session: `run.emit` what it means."""

    def observe(self, method: str, params: Json) -> None:
        """Handle a notification that may come while no turn of its session runs. `receive` gets it
        too while one does."""
        return

    async def reply(self, run: JsonRpcTurn, method: str, params: Json) -> Json | None:
        """Return the result of a request of the agent; None refuses it as not supported.

        May wait for a person: `await run.ask(PermissionRequest(…))`.
        """
        return None


class JsonRpcConnection:
    """A process, its peer, and the turns that run on it, by the agent's session id.

    `turn_count` counts its turns, `idle_since` is the event loop's time when the last one ended.
    Owns a task for each request of the agent that waits for its reply; `stop` ends them.
    """

    def __init__(
        self, process: Process, agent: JsonRpcAgent, *, title: str, log: logging.Logger
    ) -> None:
        self._process = process
        self._agent = agent
        self._log = log
        self._runs: dict[str, JsonRpcTurn] = {}
        self._replies: set[asyncio.Task[None]] = set()
        self.turn_count = 0
        self.idle_since = 0.0
        self.peer = JsonRpcPeer(process, self, title=title, log=log)

    def add(self, run: JsonRpcTurn) -> None:
        """Pass the messages of the turn's session to it from now on."""
        self._runs[run.session] = run

    def remove(self, run: JsonRpcTurn) -> None:
        """Drop what still comes for the turn."""
        run.close()
        if self._runs.get(run.session) is run:
            del self._runs[run.session]

    async def stop(self) -> None:
        """End the process and its descendants, and the tasks."""
        for task in self._replies:
            task.cancel()
        await self._process.stop(term_after=0.2, kill_after=1.0)

    async def receive(self, peer: JsonRpcPeer, messages: Sequence[Json]) -> None:
        for message in messages:
            await self._handle(message)
        for run in list(self._runs.values()):
            await run.wait_for_room()

    def connection_lost(self, failure: AgentFailure) -> None:
        for run in self._runs.values():
            run.withdraw()

    async def _handle(self, message: Json) -> None:
        params = message.get("params")
        params = params if isinstance(params, Mapping) else EMPTY
        method = str(message["method"])
        run = self._runs.get(self._agent.session_of(params))
        if "id" in message:
            task = asyncio.create_task(self._reply(message, run, method, params), name=method)
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)
            return
        self._agent.observe(method, params)
        if run:
            self._agent.receive(run, method, params)

    async def _reply(
        self, message: Json, run: JsonRpcTurn | None, method: str, params: Json
    ) -> None:
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                result = await self._agent.reply(run, method, params) if run else None
            if result is None:
                await self.peer.refuse(message)
            else:
                await self.peer.reply(message, result)
        except AgentFailure as error:
            self._log.warning("%s was not answered: %s", method, error.message)
        except (KeyError, LookupError, TypeError, ValueError) as error:
            # the plugin's code reads the agent's records: one that it can't read is refused
            self._log.warning("%s was refused: %r", method, error)
            await self.peer.refuse(message, "the request can't be read", INVALID_PARAMS)
