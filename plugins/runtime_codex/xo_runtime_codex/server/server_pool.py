"""The pool of app-servers: one server for each distinct environment of turns.

A process's environment is fixed, and two projects may have different secrets. So servers are kept
by a fingerprint of their environment, up to `CODEX_SERVER_LIMIT`; idle ones end after
`CODEX_IDLE_SECONDS`. A thread is loaded in one server at a time: Codex refuses a second writer.

Owns one short task for each server that it ends. The host ends the servers that are alive when
the plugin stops.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from xo_cowork_core.sdk import HostContext, Unavailable
from xo_runtime_codex.account import signed_in
from xo_runtime_codex.options import Options, api_key_of, environment_of, fingerprint
from xo_runtime_codex.program import find_program
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.server.app_server import AppServer, AppServerUnavailable, start_server

BACKOFF_SECONDS = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_SECONDS = 60.0
MAX_WAIT_SECONDS = 5.0
UNAVAILABLE_SECONDS = 60.0


@dataclass(slots=True)
class ServerSlot:
    """The server of one environment and its start history. Times are of the event loop's clock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    server: AppServer | None = None
    failures: int = 0
    started_at: float = 0.0
    timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        return not self.lock.locked() and (self.server is None or self.server.users == 0)


class ServerPool:
    """Leases servers to turns and ends the ones that are no longer used."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._slots: dict[str, ServerSlot] = {}
        self._retired: list[AppServer] = []  # still have turns, get no new ones
        self._ending: dict[AppServer, asyncio.Task[None]] = {}
        self._unavailable_until = 0.0

    @asynccontextmanager
    async def lease(self, secrets: Mapping[str, SecretStr]) -> AsyncIterator[AppServer]:
        """Lease a live server, started if necessary.

        Raises `AppServerUnavailable`, `AgentFailure` or `Unavailable`.
        """
        environment = environment_of(secrets, self._options)
        key = fingerprint(environment)
        slot = self._slots.get(key) or self._new_slot(key)
        async with slot.lock:
            server = await self._live_server(slot, secrets, environment)
            server.users += 1
        if slot.timer:
            slot.timer.cancel()
        try:
            yield server
        finally:
            server.users -= 1
            self._release(key, slot, server)

    async def unload_elsewhere(self, thread_id: str, *, keep: AppServer) -> None:
        """Unload a thread in every server other than `keep`, and end its work there."""
        others = [slot.server for slot in self._slots.values() if slot.server]
        for server in [*others, *self._retired, *self._ending]:
            if server is keep or not server.alive or thread_id not in server.threads:
                continue
            if thread_id in server.unstopped or server in self._ending:
                await server.end()
                continue
            await server.unload(thread_id)
            await server.stop_work(thread_id)
            await server.end_commands(thread_id)

    def retire(self, server: AppServer) -> None:
        """Give a server no new turns; it ends after its last one."""
        server.retired = True
        for slot in self._slots.values():
            if slot.server is server:
                slot.server = None
                self._retired.append(server)

    def sign_in_changed(self) -> None:
        """Give no new turns to the servers that started with the earlier sign-in."""
        for key, slot in list(self._slots.items()):
            if slot.is_idle:
                self._end_slot(self._slots.pop(key))
            elif slot.server:
                self.retire(slot.server)

    def current(self) -> AppServer | None:
        """Return a live server, or None."""
        alive = (slot.server for slot in self._slots.values())
        return next((server for server in alive if server and server.alive), None)

    def _new_slot(self, key: str) -> ServerSlot:
        if len(self._slots) >= self._options.server_limit:
            idle_key = next((key for key, slot in self._slots.items() if slot.is_idle), None)
            if idle_key is None:
                raise Unavailable(
                    "All Codex servers are busy with turns of other environments", retry_after=10
                )
            self._end_slot(self._slots.pop(idle_key))
        slot = self._slots[key] = ServerSlot()
        return slot

    async def _live_server(
        self,
        slot: ServerSlot,
        secrets: Mapping[str, SecretStr],
        environment: Mapping[str, SecretStr | str],
    ) -> AppServer:
        if slot.server and slot.server.alive:
            return slot.server
        if slot.server and not slot.server.retired:
            # it died while idle; commands of its sessions may still run
            await slot.server.end()
        await self._back_off(slot)
        binary = await asyncio.to_thread(find_program, self._context, self._options)
        if binary is None:
            raise failures.missing()
        stored = await asyncio.to_thread(signed_in, self._options.home)
        slot.started_at = asyncio.get_running_loop().time()
        slot.failures += 1
        try:
            slot.server = await start_server(
                self._context.processes,
                binary,
                cwd=self._context.paths.home,
                environment=environment,
                api_key=api_key_of(secrets, signed_in=stored),
                log=self._context.log,
            )
        except AppServerUnavailable as error:
            self._unavailable_until = slot.started_at + UNAVAILABLE_SECONDS
            self._context.log.warning("no Codex app-server could be started: %s", error)
            raise
        return slot.server

    async def _back_off(self, slot: ServerSlot) -> None:
        """Wait before the next start of a server that keeps ending.

        Raises `Unavailable` when the wait is longer than `MAX_WAIT_SECONDS`.
        """
        now = asyncio.get_running_loop().time()
        if now < self._unavailable_until:
            raise AppServerUnavailable("the last start failed less than a minute ago")
        is_proven = slot.server is not None and slot.server.is_proven
        if is_proven or now - slot.started_at > STEADY_SECONDS:
            slot.failures = 0
        pause = BACKOFF_SECONDS[min(slot.failures, len(BACKOFF_SECONDS) - 1)]
        delay = slot.started_at + pause - now
        if delay > MAX_WAIT_SECONDS:
            raise Unavailable(
                "The Codex app-server keeps ending; it is started again soon",
                retry_after=int(delay) + 1,
            )
        if delay > 0:
            await asyncio.sleep(delay)

    def _release(self, key: str, slot: ServerSlot, server: AppServer) -> None:
        if server.users == 0 and (server.retired or not server.alive):
            # commands that a dead server started may still run
            self._end_server(server)
        elif server.users == 0 and slot.server is server:
            loop = asyncio.get_running_loop()
            slot.timer = loop.call_later(self._options.idle_seconds, self._expire, key, slot)

    def _expire(self, key: str, slot: ServerSlot) -> None:
        if slot.is_idle and self._slots.get(key) is slot:
            self._end_slot(self._slots.pop(key))

    def _end_slot(self, slot: ServerSlot) -> None:
        if slot.timer:
            slot.timer.cancel()
        if slot.server:
            self._end_server(slot.server)

    def _end_server(self, server: AppServer) -> None:
        """End a server without turns, in a task. It keeps its threads until it has ended."""
        self._retired = [other for other in self._retired if other is not server]
        if server not in self._ending:
            task = asyncio.create_task(server.end(), name=f"end codex server {server.process.pid}")
            self._ending[server] = task
            task.add_done_callback(lambda _: self._ending.pop(server))
