"""The app-servers: one for each environment that turns have, all but always one.

A server's environment can't change while it lives, and two projects may have different secrets.
So servers are kept by a digest of their environment, at most a few, the idle ones ended after a
while. A thread is loaded in one of them at a time: Codex itself refuses a second writer.

Owns its short ending tasks; what is alive when the plugin stops is ended by the host.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from xo_cowork_core.sdk import HostContext, Unavailable
from xo_runtime_codex.account import signed_in
from xo_runtime_codex.options import Options, api_key_of, environment_of, fingerprint
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.server.app_server import AppServer, NoServer, start_server

BACKOFF_SECONDS = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_SECONDS = 60.0
PATIENCE_SECONDS = 5.0
NO_SERVER_SECONDS = 60.0


@dataclass(slots=True)
class Place:
    """Where the server of one environment is, and how its starts went."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    server: AppServer | None = None
    failures: int = 0
    started: float = 0.0
    timer: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        return not self.lock.locked() and (self.server is None or self.server.users == 0)


class Servers:
    """All servers of one plugin."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._places: dict[str, Place] = {}
        self._leftover: list[AppServer] = []  # they get no more turns
        self._leaving: dict[AppServer, asyncio.Task[None]] = {}
        self._no_server_until = 0.0

    @asynccontextmanager
    async def lease(self, given: Mapping[str, SecretStr]) -> AsyncIterator[AppServer]:
        """Have a live server for a while. Raises `NoServer`, `AgentFailure` or `Unavailable`."""
        environment = environment_of(given, self._options)
        key = fingerprint(environment)
        place = self._places.get(key) or self._take_place(key)
        async with place.lock:
            server = await self._live(place, given, environment)
            server.users += 1
        if place.timer:
            place.timer.cancel()
        try:
            yield server
        finally:
            server.users -= 1
            self._returned(key, place, server)

    async def free(self, thread_id: str, *, but: AppServer) -> None:
        """Let a thread go in every server but one, with what works for it there."""
        others = [place.server for place in self._places.values() if place.server]
        for server in [*others, *self._leftover, *self._leaving]:
            if server is but or not server.alive or thread_id not in server.threads:
                continue
            if thread_id in server.stuck or server in self._leaving:
                await server.end()
                continue
            await server.unload(thread_id)
            await server.stop_work(thread_id)
            await server.end_commands(thread_id)

    def retire(self, server: AppServer) -> None:
        """Give a server no more turns: it doesn't do what it is told."""
        server.retired = True
        for place in self._places.values():
            if place.server is server:
                place.server = None
                self._leftover.append(server)

    def current(self) -> AppServer | None:
        """Return a live server, if there is one."""
        alive = (place.server for place in self._places.values())
        return next((server for server in alive if server and server.alive), None)

    def _take_place(self, key: str) -> Place:
        if len(self._places) >= self._options.server_limit:
            idle = next((known for known, place in self._places.items() if place.idle), None)
            if idle is None:
                raise Unavailable(
                    "All Codex servers are busy with turns of other environments", retry_after=10
                )
            self._end(self._places.pop(idle))
        place = self._places[key] = Place()
        return place

    async def _live(
        self,
        place: Place,
        given: Mapping[str, SecretStr],
        environment: Mapping[str, SecretStr | str],
    ) -> AppServer:
        if place.server and place.server.alive:
            return place.server
        if place.server and not place.server.retired:
            await place.server.end()  # it died while idle, its sessions' commands need not have
        await self._wait_for_turn(place)
        binary = await asyncio.to_thread(self._context.paths.binary, "codex", self._options.binary)
        if binary is None:
            raise failures.missing()
        stored = await asyncio.to_thread(signed_in, self._options.home)
        place.started = asyncio.get_running_loop().time()
        place.failures += 1
        try:
            place.server = await start_server(
                self._context.processes,
                binary,
                cwd=self._context.paths.home,
                environment=environment,
                api_key=api_key_of(given, signed_in=stored),
                log=self._context.log,
            )
        except NoServer as error:
            self._no_server_until = place.started + NO_SERVER_SECONDS
            self._context.log.warning("no codex app-server: %s", error)
            raise
        return place.server

    async def _wait_for_turn(self, place: Place) -> None:
        """Start a server that keeps dying less and less often."""
        now = asyncio.get_running_loop().time()
        if now < self._no_server_until:
            raise NoServer("it did not start a moment ago")
        proved = place.server is not None and place.server.proved
        if proved or now - place.started > STEADY_SECONDS:
            place.failures = 0
        pause = BACKOFF_SECONDS[min(place.failures, len(BACKOFF_SECONDS) - 1)]
        rest = place.started + pause - now
        if rest > PATIENCE_SECONDS:
            raise Unavailable(
                "Codex keeps ending; it is started again soon", retry_after=int(rest) + 1
            )
        if rest > 0:
            await asyncio.sleep(rest)

    def _returned(self, key: str, place: Place, server: AppServer) -> None:
        if server.users == 0 and (server.retired or not server.alive):
            # what a dead one's commands started may live
            self._see_off(server)
        elif server.users == 0 and place.server is server:
            loop = asyncio.get_running_loop()
            place.timer = loop.call_later(self._options.idle_seconds, self._expire, key, place)

    def _expire(self, key: str, place: Place) -> None:
        if place.idle and self._places.get(key) is place:
            self._end(self._places.pop(key))

    def _end(self, place: Place) -> None:
        if place.timer:
            place.timer.cancel()
        if place.server:
            self._see_off(place.server)

    def _see_off(self, server: AppServer) -> None:
        """End a server that has no turns. It holds its threads until it is gone."""
        self._leftover = [other for other in self._leftover if other is not server]
        if server not in self._leaving:
            task = asyncio.create_task(server.end(), name=f"end codex server {server.process.pid}")
            self._leaving[server] = task
            task.add_done_callback(lambda _: self._leaving.pop(server))
