"""Health of the gateway. Needs no request while the connection is open."""

import asyncio
import time
from collections.abc import Callable

from xo_cowork_core.sdk import Health, HostContext
from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.gateway.frames import text_of
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.probe import answers
from xo_runtime_openclaw.gateway.supervisor import Supervisor
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

INSTALL = "npm install -g openclaw"
BINARY_SECONDS = 60.0
PROBED_SECONDS = 1.0


class HealthCheck:
    """Checks the connection and, without one, `/healthz`."""

    def __init__(
        self,
        context: HostContext,
        options: Options,
        gateway: Gateway,
        supervisor: Supervisor | None,
        *,
        is_busy: Callable[[], bool],
    ) -> None:
        """`is_busy` says whether turns run; the gateway is not replaced before they end."""
        self._context = context
        self._supervisor = supervisor
        self._options = options
        self._gateway = gateway
        self._is_busy = is_busy
        self._binary: tuple[float, str | None] = (float("-inf"), None)

    async def check(self) -> Health:
        """Return the health. Raises nothing."""
        try:
            connection = await self._gateway.connection()
        except GatewayUnavailable as reason:
            return await self._without(reason)
        if self._gateway.restarting:
            return await self._without(unavailable.starting())
        if self._supervisor and await self._supervisor.has_old_keys():
            return await self._replace(self._supervisor)
        return Health(
            "ready",
            await self._binary_path(),
            text_of(connection.server.get("version")) or None,
            detail=f"Connected to the gateway at {self._options.ws_url}.",
            signed_in=True,
            fresh_seconds=0,
        )

    async def _replace(self, supervisor: Supervisor) -> Health:
        """Restart the gateway with new keys: no turn may begin with the old ones."""
        if not self._is_busy():
            self._context.create_task(supervisor.replace(), "openclaw replacement")
            detail = "The OpenClaw gateway restarts, because its keys have changed."
        else:
            detail = "The keys of OpenClaw have changed: it restarts when its running turns end."
        return Health("starting", await self._binary_path(), detail=detail, fresh_seconds=0)

    async def _without(self, reason: GatewayUnavailable) -> Health:
        binary = await self._binary_path()
        if reason.kind == "unreachable":
            if self._supervisor:
                return self._managed(self._supervisor, binary)
            if binary is None:
                detail = f"{reason.detail} OpenClaw isn't installed here."
                return Health("missing", detail=detail, fix=INSTALL)
            return Health("missing", binary, detail=reason.detail, fix=unavailable.START)
        if reason.serves_http and await answers(self._options, "/healthz"):
            detail = f"{reason.detail} Turns run over HTTP: text only, no tools shown, no history."
            return Health(
                "degraded", binary, detail=detail, fix=reason.fix, fresh_seconds=PROBED_SECONDS
            )
        health = reason.as_health()
        return Health(health.state, binary, None, health.detail, health.fix, health.signed_in)

    def _managed(self, supervisor: Supervisor, binary: str | None) -> Health:
        if binary is None:
            return Health("missing", detail="OpenClaw isn't installed.", fix=INSTALL)
        if supervisor.is_starting:
            return Health("starting", binary, detail="The OpenClaw gateway is starting.")
        detail = f"The OpenClaw gateway does not run: {supervisor.last_error}."
        return Health("failed", binary, detail=detail, fix="openclaw doctor")

    async def _binary_path(self) -> str | None:
        when, binary = self._binary
        if time.monotonic() - when > BINARY_SECONDS:
            binary = await asyncio.to_thread(self._find)
            self._binary = (time.monotonic(), binary)
        return binary

    def _find(self) -> str | None:
        path = self._context.paths.binary("openclaw", self._options.binary)
        return str(path) if path else None
