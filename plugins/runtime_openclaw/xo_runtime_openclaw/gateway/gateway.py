"""The gateway as the plugin's other parts see it: one shared connection, made when needed.

It owns the connection (whose reader is its only task) and, while one is being made, the attempt.
`close` ends both.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from xo_cowork_core.sdk import HostContext
from xo_runtime_openclaw.gateway import unavailable as down
from xo_runtime_openclaw.gateway.bootstrap import read_token
from xo_runtime_openclaw.gateway.connection import CALL_SECONDS, Connection, Gone, open_connection
from xo_runtime_openclaw.gateway.frames import Notice, Refused, Row
from xo_runtime_openclaw.gateway.run_events import RunEvents, run_of
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

FAILED_SECONDS = 0.5
RETRY_SECONDS = 1.0
RESTART_SECONDS = 60.0
Greeting = Callable[[Connection], Awaitable[None]]


class Gateway:
    """Opens one connection for everybody, and hands events to the runs that they belong to."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._connection: Connection | None = None
        self._attempt: asyncio.Task[Connection] | None = None
        self._failed: tuple[float, GatewayUnavailable] | None = None
        self._feeds: dict[str, RunEvents] = {}
        self._closed = False
        self._back_by = 0.0
        self.greeting: Greeting | None = None
        self.coming: Callable[[], bool] = lambda: False

    @property
    def restarting(self) -> bool:
        """Say whether the gateway said that it takes nothing new before its restart is over."""
        return time.monotonic() < self._back_by

    @property
    def scopes(self) -> frozenset[str]:
        """What the gateway lets us do; empty before the first connection."""
        return self._connection.scopes if self._connection else frozenset()

    @property
    def boot_id(self) -> object:
        """What names one start of the gateway; None before the first connection."""
        return self._connection.server.get("bootId") if self._connection else None

    async def connection(self) -> Connection:
        """Return the open connection, or open one.

        Raises `GatewayUnavailable`, at once when the last attempt has just failed.
        """
        if self._connection and self._connection.alive:
            return self._connection
        if self._closed:
            raise GatewayUnavailable("unreachable", "The server is stopping.")
        if self._failed and time.monotonic() - self._failed[0] < FAILED_SECONDS:
            raise self._failed[1]
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._open(), name="openclaw connect")
        return await asyncio.shield(self._attempt)

    async def call(self, method: str, params: Row, *, seconds: float = CALL_SECONDS) -> Any:
        """Ask the gateway, over a new connection if need be.

        Raises `Refused`, and `GatewayUnavailable` (of kind `unreachable` when the connection
        broke).
        """
        connection = await self.connection()
        try:
            return await connection.call(method, params, seconds=seconds)
        except Refused as refused:
            if not refused.passes:
                raise
            soon = time.monotonic() + (refused.retry_after or RETRY_SECONDS)
            self._back_by = max(self._back_by, soon)
            raise down.starting(refused.retry_after) from None
        except Gone as gone:
            raise self._seen(down.broke(str(gone))) from None
        except TimeoutError:
            reason = f"{method} took longer than {seconds:g} s"
            raise down.unreachable(self._options.ws_url, reason) from None

    def watch(self, run_id: str, session_key: str) -> RunEvents:
        """Collect the events of a run until `forget`."""
        feed = RunEvents(run_id, session_key)
        self._feeds[run_id] = feed
        return feed

    def forget(self, feed: RunEvents) -> None:
        """Stop collecting."""
        self._feeds.pop(feed.run_id, None)

    def runs_here(self, run_id: str) -> bool:
        """Say whether a turn of this server waits for this run."""
        return run_id in self._feeds

    async def close(self) -> None:
        """Close the connection; nothing can be asked after."""
        self._closed = True
        if self._attempt:
            self._attempt.cancel()
        if self._connection:
            await self._connection.close()

    async def _open(self) -> Connection:
        try:
            token = await asyncio.to_thread(read_token, self._context, self._options)
            made = await open_connection(self._options, token, self._listen)
            self._connection = made
            self._failed, self._back_by = None, 0.0
            self._context.log.info("connected to OpenClaw %s", made.server.get("version"))
        except GatewayUnavailable as reason:
            seen = self._seen(reason)
            self._failed = (time.monotonic(), seen)
            raise seen from None
        finally:
            self._attempt = None
        self._watch_end(made)
        if self.greeting:
            await self.greeting(made)
        return made

    def _watch_end(self, made: Connection) -> None:
        def ended(_: object) -> None:
            for feed in self._feeds.values():
                feed.break_off()

        made.reader.add_done_callback(ended)

    def _seen(self, reason: GatewayUnavailable) -> GatewayUnavailable:
        """Say of a gateway that nobody answers for, but that will be back, that it will."""
        if reason.kind != "unreachable":
            return reason
        if self.restarting:
            return down.starting()
        return down.coming() if self.coming() else reason

    def _listen(self, notice: Notice) -> None:
        if notice.event == "shutdown":
            # the end of the connection looks the same without a restart
            restarts = notice.payload.get("restartExpectedMs") is not None
            self._back_by = time.monotonic() + RESTART_SECONDS if restarts else 0.0
        feed = self._feeds.get(run_of(notice))
        if feed:
            feed.put(notice)
