"""The gateway client: one shared connection, opened on demand.

Owns the connection (its reader is a task) and, while one is opened, the connect task. `close`
ends both.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from xo_cowork_core.sdk import HostContext
from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.gateway.bootstrap import read_token
from xo_runtime_openclaw.gateway.frames import (
    CALL_SECONDS,
    ConnectionLost,
    GatewayError,
    GatewayEvent,
    Row,
)
from xo_runtime_openclaw.gateway.run_events import RunEvents, run_id_of
from xo_runtime_openclaw.gateway.tcp import connect_tcp
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

if TYPE_CHECKING:
    from xo_runtime_openclaw.gateway.connection import Connection

FAILED_SECONDS = 0.5
RETRY_SECONDS = 1.0
RESTART_SECONDS = 60.0
ConnectListener: TypeAlias = Callable[["Connection"], Awaitable[None]]


class Gateway:
    """Shares one connection, and forwards events to the runs that they belong to.

    `is_starting` returns whether a gateway that does not answer is expected to.
    """

    def __init__(
        self, context: HostContext, options: Options, *, is_starting: Callable[[], bool]
    ) -> None:
        self._context = context
        self._options = options
        self._connection: Connection | None = None
        self._attempt: asyncio.Task[Connection] | None = None
        self._failed: tuple[float, GatewayUnavailable] | None = None
        self._runs: dict[str, RunEvents] = {}
        self._closed = False
        self._expected_back = 0.0
        self._requested_restarts = 0
        self._is_starting = is_starting
        self._connect_listeners: list[ConnectListener] = []

    @property
    def restarting(self) -> bool:
        """True while an announced or requested restart of the gateway is not over."""
        return self._requested_restarts > 0 or time.monotonic() < self._expected_back

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes that the gateway granted; empty before the first connection."""
        return self._connection.scopes if self._connection else frozenset()

    @property
    def boot_id(self) -> object:
        """The id of the gateway's start; None before the first connection."""
        return self._connection.server.get("bootId") if self._connection else None

    def add_connect_listener(self, listener: ConnectListener) -> None:
        """Await `listener` with each new connection, before a caller gets the connection."""
        self._connect_listeners.append(listener)

    async def connection(self) -> "Connection":
        """Return the open connection, or open one.

        Raises `GatewayUnavailable`, without an attempt when the last one failed within
        `FAILED_SECONDS`.
        """
        if self._connection and self._connection.alive:
            return self._connection
        if self._closed:
            raise GatewayUnavailable("unreachable", "The server is stopping.")
        if self._failed and time.monotonic() - self._failed[0] < FAILED_SECONDS:
            raise self._failed[1]
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._open(), name="openclaw connect")
            # callers may have left by then: asyncio would log a failure that nobody was told
            self._attempt.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._attempt)

    @contextmanager
    def requested_restart(self) -> Generator[None]:
        """Let callers know inside the block that the gateway comes back."""
        self._requested_restarts += 1
        try:
            yield
        finally:
            self._requested_restarts -= 1

    async def call(self, method: str, params: Row, *, seconds: float = CALL_SECONDS) -> Any:
        """Send a request, over a new connection if necessary.

        Raises `GatewayError`, or `GatewayUnavailable`, of kind `unreachable` when the connection
        broke.
        """
        connection = await self.connection()
        try:
            return await connection.call(method, params, seconds=seconds)
        except GatewayError as refused:
            if not refused.is_temporary:
                raise
            soon = time.monotonic() + (refused.retry_after or RETRY_SECONDS)
            self._expected_back = max(self._expected_back, soon)
            raise unavailable.starting(refused.retry_after) from None
        except ConnectionLost as error:
            raise self._classified(unavailable.broke(str(error))) from None
        except TimeoutError:
            reason = f"{method} took longer than {seconds:g} s"
            raise unavailable.unreachable(self._options.ws_url, reason) from None

    def watch(self, run_id: str, session_key: str) -> RunEvents:
        """Collect the events of a run until `forget`."""
        events = RunEvents(run_id, session_key)
        self._runs[run_id] = events
        return events

    def forget(self, events: RunEvents) -> None:
        """Stop collecting."""
        self._runs.pop(events.run_id, None)

    def has_run(self, run_id: str) -> bool:
        """Return whether a turn of this server waits for this run."""
        return run_id in self._runs

    async def close(self) -> None:
        """Close the connection for good."""
        self._closed = True
        if self._attempt:
            self._attempt.cancel()
        if self._connection:
            await self._connection.close()

    async def _open(self) -> "Connection":
        try:
            token = await asyncio.to_thread(read_token, self._context, self._options)
            connection = await self._connect(token)
            await self._tell_listeners(connection)
            self._connection = connection
        except GatewayUnavailable as reason:
            failure = self._classified(reason)
            self._failed = (time.monotonic(), failure)
            raise failure from None
        finally:
            self._attempt = None
        self._failed, self._expected_back = None, 0.0
        self._context.log.info("connected to OpenClaw %s", connection.server.get("version"))
        self._watch_end(connection)
        return connection

    async def _tell_listeners(self, connection: "Connection") -> None:
        try:
            for listener in self._connect_listeners:
                await listener(connection)
        except BaseException:
            await connection.close()
            raise

    async def _connect(self, token: str) -> "Connection":
        tcp = await connect_tcp(self._options) if self._options.loopback else None
        try:
            # it imports websockets: in a thread, and only where a gateway listens
            await asyncio.to_thread(import_module, "xo_runtime_openclaw.gateway.connection")
        except BaseException:
            if tcp:
                tcp.close()
            raise
        from xo_runtime_openclaw.gateway.connection import open_connection  # noqa: PLC0415

        return await open_connection(self._options, token, self._on_event, tcp)

    def _watch_end(self, connection: "Connection") -> None:
        def ended(_: object) -> None:
            for events in self._runs.values():
                events.mark_incomplete()

        connection.reader.add_done_callback(ended)

    def _classified(self, reason: GatewayUnavailable) -> GatewayUnavailable:
        """Return `starting` in place of `unreachable` when the gateway is expected back."""
        if reason.kind != "unreachable":
            return reason
        if self.restarting:
            return unavailable.starting()
        return unavailable.start_expected() if self._is_starting() else reason

    def _on_event(self, event: GatewayEvent) -> None:
        if event.event == "shutdown":
            # without a restart, the connection ends in the same way
            restarts = event.payload.get("restartExpectedMs") is not None
            self._expected_back = time.monotonic() + RESTART_SECONDS if restarts else 0.0
        events = self._runs.get(run_id_of(event))
        if events:
            events.put(event)
