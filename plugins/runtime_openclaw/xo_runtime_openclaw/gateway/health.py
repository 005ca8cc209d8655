"""Whether the gateway takes turns. Costs nothing while the connection stands."""

import asyncio
import time

from xo_cowork_core.sdk import Health, HostContext
from xo_runtime_openclaw.gateway import unavailable as down
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
    """Asks the connection, and where there is none, `/healthz`."""

    def __init__(
        self,
        context: HostContext,
        options: Options,
        gateway: Gateway,
        supervisor: Supervisor | None,
    ) -> None:
        self._context = context
        self._supervisor = supervisor
        self._options = options
        self._gateway = gateway
        self._binary: tuple[float, str | None] = (float("-inf"), None)

    async def look(self) -> Health:
        """Look. Raises nothing."""
        try:
            connection = await self._gateway.connection()
        except GatewayUnavailable as reason:
            return await self._without(reason)
        if self._gateway.restarting:
            return await self._without(down.starting())
        return Health(
            "ready",
            await self._found(),
            text_of(connection.server.get("version")) or None,
            detail=f"Connected to the gateway at {self._options.ws_url}.",
            signed_in=True,
            fresh_seconds=0,
        )

    async def _without(self, reason: GatewayUnavailable) -> Health:
        binary = await self._found()
        if reason.kind == "unreachable":
            if self._supervisor:
                return self._managed(self._supervisor, binary)
            if binary is None:
                detail = f"{reason.detail} OpenClaw isn't installed here."
                return Health("missing", detail=detail, fix=INSTALL)
            return Health("missing", binary, detail=reason.detail, fix=down.START)
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
        if supervisor.coming:
            return Health("starting", binary, detail="The OpenClaw gateway is starting.")
        detail = f"The OpenClaw gateway does not run: {supervisor.trouble}."
        return Health("failed", binary, detail=detail, fix="openclaw doctor")

    async def _found(self) -> str | None:
        when, binary = self._binary
        if time.monotonic() - when > BINARY_SECONDS:
            binary = await asyncio.to_thread(self._find)
            self._binary = (time.monotonic(), binary)
        return binary

    def _find(self) -> str | None:
        found = self._context.paths.binary("openclaw", self._options.binary)
        return str(found) if found else None
