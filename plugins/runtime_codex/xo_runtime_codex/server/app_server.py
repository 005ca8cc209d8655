"""One app-server: started, signed in, and the threads that it has loaded."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, Process, Processes, Turn
from xo_runtime_codex.options import IN_MEMORY, SERVER
from xo_runtime_codex.protocol.parameters import thread_parameters, thread_title
from xo_runtime_codex.server.json_rpc import JsonRpcClient, Refused

CLIENT = {"name": "xo_cowork", "title": "XO Cowork", "version": "0.1.0"}
# names that would only cost time
UNREAD = ("item/commandExecution/outputDelta", "turn/diff/updated", "thread/readState/changed")
START_SECONDS = 6.0
UNLOAD_SECONDS = 2.0
THREAD_LIMIT = 32
END_SECONDS = 1.0
STOP_SECONDS = 2.0
CLEAN_SECONDS = 1.0
KILL_AFTER_SECONDS = 0.5
# Codex sets it for each command, after all that the user's own rules do to the environment. For
# a subagent's commands too it names the thread for which the subagent works
SESSION_VARIABLE = "CODEX_SESSION_ID"


class NoServer(Exception):
    """The app-server can't be used: it may be too old, or broken."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A loaded thread's own model, provider and effort."""

    model: str
    provider: str
    effort: str | None


class AppServer:
    """A process that answered to `initialize`. `users` counts the turns on it, `proved` says that
    one of them came to its end."""

    def __init__(self, process: Process, link: JsonRpcClient) -> None:
        self.process = process
        self.link = link
        self.users = 0
        self.retired = False
        self.proved = False
        self.threads: OrderedDict[str, Thread] = OrderedDict()
        self.busy: set[str] = set()
        self.stuck: set[str] = set()  # threads whose turn did not stop when it was told to

    @property
    def alive(self) -> bool:
        return self.link.gone is None and self.process.returncode is None

    async def open_thread(self, turn: Turn) -> str:
        """Start a thread and put it on disk, so that it outlives this server."""
        result = await self.link.request(
            "thread/start", {**thread_parameters(turn), "historyMode": "paginated"}
        )
        thread_id = self._loaded(result)
        named = {"threadId": thread_id, "name": thread_title(turn)}
        # a thread's file is made at its first turn, or when it gets a name
        await self.link.request("thread/name/set", named)
        return thread_id

    async def load(self, thread_id: str, parameters: Mapping[str, Any]) -> Thread:
        """Have a thread ready. Raises `Refused` when its file is lost or another writes it."""
        if thread_id not in self.threads:
            named = {"threadId": thread_id, "excludeTurns": True, **parameters}
            self._loaded(await self.link.request("thread/resume", named))
            await self._make_room()
        self.threads.move_to_end(thread_id)
        return self.threads[thread_id]

    async def unload(self, thread_id: str) -> None:
        """Let a thread go, so that another server may write it."""
        if self.threads.pop(thread_id, None) is None or not self.alive:
            return
        with suppress(Refused, AgentFailure):
            await self.link.request(
                "thread/unsubscribe", {"threadId": thread_id}, timeout=UNLOAD_SECONDS
            )

    async def interrupt(self, thread_id: str, turn_id: str) -> None:
        """Ask a turn to stop. Raises `Refused` when it isn't on."""
        named = {"threadId": thread_id, "turnId": turn_id}
        await self.link.request("turn/interrupt", named, timeout=STOP_SECONDS)

    async def stop_work(self, thread_id: str) -> None:
        """Have Codex stop the subagents of a thread, whom an interrupt of its own turn doesn't
        reach, and end the commands that it knows of."""
        with suppress(TimeoutError, AgentFailure):
            async with asyncio.timeout(CLEAN_SECONDS):
                for one, turn_id in self.link.subagents.turns(thread_id):
                    with suppress(Refused):  # it may have ended just now
                        await self.interrupt(one, turn_id)
                for one in (thread_id, *self.link.subagents.of(thread_id)):
                    with suppress(Refused):
                        await self.link.request(
                            "thread/backgroundTerminals/clean", {"threadId": one}
                        )

    async def end_commands(self, thread_id: str) -> bool:
        """End all commands of a thread and its subagents, wherever they got to. False when some
        detached program hides for which thread it was started."""
        return await self.process.terminate_tagged(
            SESSION_VARIABLE, thread_id, kill_after=KILL_AFTER_SECONDS
        )

    async def end(self) -> None:
        """End the process and all that it started."""
        self.retired = True
        await self.process.stop(term_after=END_SECONDS, kill_after=END_SECONDS)

    async def _make_room(self) -> None:
        idle = [known for known in self.threads if known not in self.busy]
        for thread_id in idle[: len(self.threads) - THREAD_LIMIT]:
            await self.unload(thread_id)

    def _loaded(self, result: Mapping[str, Any]) -> str:
        thread = result.get("thread")
        thread_id = thread.get("id") if isinstance(thread, Mapping) else None
        if not isinstance(thread_id, str):
            raise AgentFailure("Codex opened no thread")
        self.threads[thread_id] = Thread(
            model=str(result.get("model") or ""),
            provider=str(result.get("modelProvider") or ""),
            effort=result.get("reasoningEffort"),
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
    """Start a server. Raises `NoServer` when it doesn't answer as one."""
    arguments: Sequence[str] = [*SERVER, *(IN_MEMORY if api_key else ())]
    process = await processes.spawn([str(binary), *arguments], cwd=cwd, environment=environment)
    link = JsonRpcClient(process, log)
    try:
        async with asyncio.timeout(START_SECONDS):
            await _greet(link, api_key)
    except (Refused, AgentFailure, TimeoutError) as error:
        await process.stop(kill_after=END_SECONDS)
        said = process.stderr_tail.strip()[-300:]
        raise NoServer(f"{error or 'no answer'} {said}".strip()) from error
    except BaseException:
        await process.stop(kill_after=END_SECONDS)
        raise
    return AppServer(process, link)


async def _greet(link: JsonRpcClient, api_key: SecretStr | None) -> None:
    capabilities = {
        "experimentalApi": True,
        "requestAttestation": False,
        "optOutNotificationMethods": UNREAD,
    }
    await link.request("initialize", {"clientInfo": CLIENT, "capabilities": capabilities})
    await link.send({"method": "initialized"})
    if api_key:
        # app-server reads no key from its environment; kept in memory, `auth.json` stays as it is
        key = {"type": "apiKey", "apiKey": api_key.get_secret_value()}
        await link.request("account/login/start", key)
