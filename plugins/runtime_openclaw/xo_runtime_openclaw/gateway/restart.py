"""Restart of the gateway: by a request over the control protocol, else with `openclaw`.

The gateway restarts inside its process, after its running turns. `/readyz` reports the time since
the start, which distinguishes the new start from the previous one.
"""

import asyncio
import time
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, HostContext, UpstreamFailed
from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.gateway.calls import GatewayCalls
from xo_runtime_openclaw.gateway.command import run_json_command
from xo_runtime_openclaw.gateway.frames import GatewayError, read_json, row, text_of
from xo_runtime_openclaw.gateway.probe import OK, answers, get
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import Options

ASK_SECONDS = 5.0
COMMAND_SECONDS = 60.0
READY_SECONDS = 110.0
POLL_SECONDS = 0.25


class GatewayRestarter:
    """Restarts the gateway."""

    def __init__(self, context: HostContext, options: Options, control: GatewayCalls) -> None:
        self._context = context
        self._options = options
        self._control = control

    async def restart(self) -> str:
        """Restart and wait until the gateway accepts turns. Raises UpstreamFailed."""
        started_at = time.monotonic()
        message = ""
        # the command hangs for a minute on a gateway that is down: probe it first
        is_up = await answers(self._options, "/healthz")
        if not is_up and not self._options.manage:
            raise UpstreamFailed(f"No OpenClaw gateway runs here. To start it: {unavailable.START}")
        with self._control.requested_restart():
            if is_up:
                message = await self._request_restart()
            await self._wait_until_ready(started_at, must_be_new=bool(message))
        elapsed = time.monotonic() - started_at
        return f"{message or 'The gateway was down.'} It takes turns again after {elapsed:.1f} s."

    async def _request_restart(self) -> str:
        try:
            await self._control.call("gateway.restart.request", {}, seconds=ASK_SECONDS)
        except (GatewayUnavailable, GatewayError):
            return await self._restart_by_command()
        return "The gateway restarts."

    async def _restart_by_command(self) -> str:
        find = self._context.paths.binary
        binary = await asyncio.to_thread(find, "openclaw", self._options.binary)
        if binary is None or not self._options.loopback:
            raise UpstreamFailed("The OpenClaw gateway takes no request to restart from here")
        return await self._run(binary)

    async def _run(self, binary: Path) -> str:
        arguments = ["gateway", "restart", "--json"]
        try:
            result = await run_json_command(
                self._context, binary, arguments, seconds=COMMAND_SECONDS
            )
        except AgentFailure as failure:
            raise UpstreamFailed(failure.message) from None
        except TimeoutError:
            raise UpstreamFailed("`openclaw gateway restart` did not end in time") from None
        if result.get("ok") is not True:
            raise UpstreamFailed("`openclaw gateway restart` failed")
        return text_of(result.get("message")) or "The gateway restarts."

    async def _wait_until_ready(self, started_at: float, *, must_be_new: bool) -> None:
        was_down = not must_be_new
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    uptime = await self._uptime()
                    was_down = was_down or uptime is None
                    if uptime is not None and (was_down or uptime < time.monotonic() - started_at):
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise UpstreamFailed(f"The gateway is not back after {READY_SECONDS:g} s") from None

    async def _uptime(self) -> float | None:
        """Return the seconds since the gateway became ready; None when it is not ready.

        Returns infinity when the gateway does not report them.
        """
        answer = await get(self._options, "/readyz")
        if answer is None:
            return None
        body = row(read_json(answer.content))
        if answer.status_code != OK or body.get("ready") is False:
            return None
        uptime = body.get("uptimeMs")
        return uptime / 1000 if isinstance(uptime, int | float) else float("inf")
