"""One app-server process: start, sign-in, and the threads that it has loaded."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, Process, Processes, Turn, TurnMcpServer
from xo_cowork_core.sdk.kit import JsonRpcError, JsonRpcPeer
from xo_runtime_codex.options import IN_MEMORY, SERVER
from xo_runtime_codex.protocol.failures import process_failure
from xo_runtime_codex.protocol.mcp_servers import servers_digest
from xo_runtime_codex.protocol.parameters import thread_parameters, thread_title
from xo_runtime_codex.server.thread_router import ThreadRouter

CLIENT = {"name": "xo_cowork", "title": "XO Cowork", "version": "0.1.0"}
# notifications that this plugin does not read; the server leaves them out
UNUSED_NOTIFICATIONS = (
    "item/commandExecution/outputDelta",
    "turn/diff/updated",
    "thread/readState/changed",
)
START_SECONDS = 6.0
UNLOAD_SECONDS = 2.0
CLOSING = "is closing"
CLOSING_PAUSE_SECONDS = 0.02
MAX_THREADS = 32
END_SECONDS = 1.0
STOP_SECONDS = 2.0
CLEAN_SECONDS = 1.0
KILL_AFTER_SECONDS = 0.5
# Codex sets this variable for each command, after the user's own environment rules. For a
# subagent's command it names the root thread
SESSION_VARIABLE = "CODEX_SESSION_ID"


class AppServerUnavailable(Exception):
    """No app-server can be started: the Codex version is too old, or broken."""


class Thread(NamedTuple):
    """Model, provider and reasoning effort of a loaded thread; `mcp` identifies its MCP servers."""

    model: str
    provider: str
    effort: str | None
    mcp: str = ""


class AppServer:
    """An initialized app-server process.

    `users` counts the turns on it; `is_proven` is set after the first completed turn; `unstopped`
    holds the threads whose turn did not stop when it was interrupted.
    """

    def __init__(self, process: Process, peer: JsonRpcPeer, router: ThreadRouter) -> None:
        self.process = process
        self.peer = peer
        self.router = router
        self.users = 0
        self.retired = False
        self.is_proven = False
        self.threads: OrderedDict[str, Thread] = OrderedDict()
        self.busy: set[str] = set()
        self.unstopped: set[str] = set()

    @property
    def alive(self) -> bool:
        return self.peer.failure is None and self.process.returncode is None

    async def open_thread(self, turn: Turn) -> str:
        """Start a thread and have Codex write its file, so that it survives this server."""
        result = await self.peer.request(
            "thread/start", {**thread_parameters(turn), "historyMode": "paginated"}
        )
        thread_id = self._register(result, servers_digest(turn.mcp_servers))
        params = {"threadId": thread_id, "name": thread_title(turn)}
        # Codex creates a thread's file at its first turn, or when the thread gets a name
        await self.peer.request("thread/name/set", params)
        return thread_id

    async def load(
        self, thread_id: str, parameters: Mapping[str, Any], servers: Sequence[TurnMcpServer] = ()
    ) -> Thread:
        """Load a thread, once more when its MCP servers have changed.

        Raises `JsonRpcError` when its file is missing or has another writer.
        """
        mcp = servers_digest(servers)
        if thread_id in self.threads and self.threads[thread_id].mcp != mcp:
            await self.unload(thread_id)
        if thread_id not in self.threads:
            params = {"threadId": thread_id, "excludeTurns": True, **parameters}
            self._register(await self._resume(params), mcp)
            await self._evict_idle_threads()
        self.threads.move_to_end(thread_id)
        return self.threads[thread_id]

    async def _resume(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Resume a thread; wait for one that is being unloaded, which takes some milliseconds."""
        until = asyncio.get_running_loop().time() + UNLOAD_SECONDS
        while True:
            try:
                return await self.peer.request("thread/resume", params)
            except JsonRpcError as error:
                if CLOSING not in str(error) or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(CLOSING_PAUSE_SECONDS)

    async def unload(self, thread_id: str) -> None:
        """Unload a thread, so that another process may write its file."""
        if self.threads.pop(thread_id, None) is None or not self.alive:
            return
        with suppress(JsonRpcError, AgentFailure):
            await self.peer.request(
                "thread/unsubscribe", {"threadId": thread_id}, timeout=UNLOAD_SECONDS
            )

    async def interrupt(self, thread_id: str, turn_id: str) -> None:
        """Interrupt a turn. Raises `JsonRpcError` when it is not running."""
        named = {"threadId": thread_id, "turnId": turn_id}
        await self.peer.request("turn/interrupt", named, timeout=STOP_SECONDS)

    async def stop_work(self, thread_id: str) -> None:
        """Interrupt the subagents of a thread and end its background terminals.

        An interrupt of the thread's own turn does neither.
        """
        with suppress(TimeoutError, AgentFailure):
            async with asyncio.timeout(CLEAN_SECONDS):
                for subagent_id, turn_id in self.router.subagents.running_turns(thread_id):
                    with suppress(JsonRpcError):  # the turn may have ended meanwhile
                        await self.interrupt(subagent_id, turn_id)
                for member_id in (thread_id, *self.router.subagents.threads(thread_id)):
                    with suppress(JsonRpcError):
                        await self.peer.request(
                            "thread/backgroundTerminals/clean", {"threadId": member_id}
                        )

    async def end_commands(self, thread_id: str) -> bool:
        """End all commands of a thread and its subagents, detached ones included.

        Return False when a detached process has removed the variable that names its thread.
        """
        return await self.process.terminate_tagged(
            SESSION_VARIABLE, thread_id, kill_after=KILL_AFTER_SECONDS
        )

    async def end(self) -> None:
        """End the process and its descendants."""
        self.retired = True
        await self.process.stop(term_after=END_SECONDS, kill_after=END_SECONDS)

    async def _evict_idle_threads(self) -> None:
        idle = [thread_id for thread_id in self.threads if thread_id not in self.busy]
        for thread_id in idle[: len(self.threads) - MAX_THREADS]:
            await self.unload(thread_id)

    def _register(self, result: Mapping[str, Any], mcp: str) -> str:
        thread = result.get("thread")
        thread_id = thread.get("id") if isinstance(thread, Mapping) else None
        if not isinstance(thread_id, str):
            raise AgentFailure("Codex returned no thread id")
        self.threads[thread_id] = Thread(
            model=str(result.get("model") or ""),
            provider=str(result.get("modelProvider") or ""),
            effort=result.get("reasoningEffort"),
            mcp=mcp,
        )
        return thread_id


async def start_server(
    processes: Processes,
    binary: Path,
    *,
    cwd: Path,
    environment: Mapping[str, SecretStr | str],
    api_key: SecretStr | None,
    log: logging.Logger,
) -> AppServer:
    """Start a server and initialize it. Raises `AppServerUnavailable` when that fails."""
    arguments: Sequence[str] = [*SERVER, *(IN_MEMORY if api_key else ())]
    process = await processes.spawn([str(binary), *arguments], cwd=cwd, environment=environment)
    router = ThreadRouter(log)
    peer = JsonRpcPeer(
        process,
        router,
        title="Codex",
        log=log,
        version_field=False,
        describe_exit=process_failure,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await _initialize(peer, api_key)
    except (JsonRpcError, AgentFailure, TimeoutError) as error:
        await process.stop(kill_after=END_SECONDS)
        stderr = process.stderr_tail.strip()[-300:]
        raise AppServerUnavailable(f"{error or 'no answer'} {stderr}".strip()) from error
    except BaseException:
        await process.stop(kill_after=END_SECONDS)
        raise
    return AppServer(process, peer, router)


async def _initialize(peer: JsonRpcPeer, api_key: SecretStr | None) -> None:
    capabilities = {
        "experimentalApi": True,
        "requestAttestation": False,
        "optOutNotificationMethods": UNUSED_NOTIFICATIONS,
    }
    await peer.request("initialize", {"clientInfo": CLIENT, "capabilities": capabilities})
    await peer.notify("initialized")
    if api_key:
        # app-server reads no key from its environment; in memory, so `auth.json` is unchanged
        login = {"type": "apiKey", "apiKey": api_key.get_secret_value()}
        await peer.request("account/login/start", login)
