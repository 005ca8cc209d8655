"""The gateway as a child process: configure, start, monitor, restart, stop.

A process has the keys that the env file had at its start, so that it is replaced when they change.
Owns three tasks: the monitor, which the lifespan starts and stops, and inside it the reader of the
child's output and the first connection to the child, which end with the child.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress

from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, Conflict, HostContext, Process, Unavailable
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.gateway.bootstrap import (
    ensure_config,
    ensure_token,
    minimal_config,
    read_token,
)
from xo_runtime_openclaw.gateway.command import search_path
from xo_runtime_openclaw.gateway.frames import GatewayError
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.mcp_servers import configure_servers, mcp_environment
from xo_runtime_openclaw.gateway.probe import answers
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable
from xo_runtime_openclaw.options import TOKEN_KEY, Options

READY_SECONDS = 300.0
POLL_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STEADY_SECONDS = 60.0
FOREIGN_SECONDS = 15.0
PROBE_SECONDS = 5.0
MAX_SILENT_PROBES = 4  # a busy gateway may leave one or two probes without an answer
KILL_SECONDS = 2.5
BAD_CONFIG = 78
TAIL_CHARACTERS = 300
QUIET = {"OPENCLAW_NO_RESPAWN": "1", "OPENCLAW_DISABLE_BONJOUR": "1"}


class Supervisor:
    """Keeps one gateway process running.

    `last_error` is why the last start failed; empty while the gateway runs, starts, or is about to
    be restarted.
    """

    def __init__(self, context: HostContext, options: Options, agent_name: str) -> None:
        self._context = context
        self._agent_name = agent_name
        self._options = options
        self._process: Process | None = None
        self._monitor: asyncio.Task[None] | None = None
        self._started_with = ""
        self._is_replaced = False
        self.last_error = ""

    @property
    def is_starting(self) -> bool:
        """True when a gateway that does not answer yet is expected to start."""
        return not self.last_error

    def start(self, gateway: Gateway) -> None:
        """Start in the background; the host does not wait. `gateway` connects to each process."""
        self._monitor = asyncio.create_task(self._keep_running(gateway), name="openclaw supervisor")

    async def has_old_keys(self) -> bool:
        """Return whether the keys have changed since the process was started."""
        process = self._process
        if process is None or process.returncode is not None or not self._started_with:
            return False
        secrets = await asyncio.to_thread(self._context.secrets.environment)
        return _fingerprint(secrets) != self._started_with

    async def replace(self) -> None:
        """End the process, for the monitor to start another with the keys of now."""
        if self._process and not self._is_replaced:
            self._is_replaced = True
            self._context.log.info("the OpenClaw gateway is restarted: its keys have changed")
            await self._process.stop(kill_after=KILL_SECONDS)

    async def stop(self) -> None:
        """End the gateway and its descendants."""
        if self._monitor:
            self._monitor.cancel()
            await asyncio.wait({self._monitor})
        if self._process:
            await self._process.stop(kill_after=KILL_SECONDS)

    async def _keep_running(self, gateway: Gateway) -> None:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE_SECONDS
        while True:
            started_at = loop.time()
            try:
                if await answers(self._options, "/healthz"):
                    # a gateway that another program started: use it, do not manage it
                    self.last_error = ""
                    await asyncio.sleep(FOREIGN_SECONDS)
                    continue
                ended = await self._run_once(gateway)
            except (AgentFailure, Unavailable, OSError) as error:
                ended = self.last_error = str(error)
            except Exception:
                # any error: the next attempt may succeed
                self._context.log.exception("the OpenClaw gateway could not be started")
                ended = self.last_error = "the server failed to start it; its log has the error"
            if self._is_replaced:
                self.last_error, pause = "", FIRST_PAUSE_SECONDS
                continue
            self._context.log.warning("the OpenClaw gateway does not run: %s", ended)
            pause = FIRST_PAUSE_SECONDS if loop.time() - started_at > STEADY_SECONDS else pause
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _run_once(self, gateway: Gateway) -> str:
        """Run the gateway until it ends, and return the reason."""
        self.last_error, self._is_replaced = "", False
        process = self._process = await self._spawn()
        drain = asyncio.create_task(_drain(process), name="openclaw output")
        try:
            ready = await self._ready(process)
            if ready:
                self._context.log.info("the OpenClaw gateway runs, pid %s", process.pid)
                connecting = asyncio.create_task(_connect(gateway), name="openclaw first connect")
                try:
                    if await self._hangs(drain):
                        return "it no longer answers"
                finally:
                    connecting.cancel()
            ended = _exit_reason(await process.wait(KILL_SECONDS), process.stderr_tail)
            self.last_error = "" if ready else ended
            return ended
        finally:
            drain.cancel()
            await process.stop(kill_after=KILL_SECONDS)

    async def _hangs(self, drain: asyncio.Task[None]) -> bool:
        """Wait until the output ends (False) or the gateway stops answering (True)."""
        silent = 0
        while silent < MAX_SILENT_PROBES:
            done, _ = await asyncio.wait({drain}, timeout=PROBE_SECONDS)
            if done:
                return False
            silent = 0 if await answers(self._options, "/healthz") else silent + 1
        return True

    async def _spawn(self) -> Process:
        options = self._options
        binary = await asyncio.to_thread(self._context.paths.binary, "openclaw", options.binary)
        if binary is None:
            raise AgentFailure("OpenClaw isn't installed", code="not_installed")
        environment = await asyncio.to_thread(self._environment)
        environment["PATH"] = search_path(binary)
        arguments = ["gateway", "run", "--bind", "loopback", "--port", str(options.port)]
        return await self._context.processes.spawn(
            [str(binary), *arguments], cwd=self._context.paths.home, environment=environment
        )

    def _environment(self) -> dict[str, SecretStr | str]:
        ensure_config(self._options)
        token = read_token(self._context, self._options) or ensure_token(self._context)
        secrets = dict(self._context.secrets.environment())
        self._started_with = _fingerprint(secrets)
        config = {"OPENCLAW_CONFIG_PATH": str(self._options.config)}
        servers = self._configure_servers()
        return {**QUIET, **config, **secrets, **servers, TOKEN_KEY: SecretStr(token)}

    def _configure_servers(self) -> Mapping[str, SecretStr]:
        """Write the MCP servers of connectors, and return the variable that they need."""
        servers = self._context.shared_mcp_servers(self._agent_name)
        try:
            configure_servers(
                ConfigFile(self._options.config, minimal_config(self._options)), servers
            )
        except (Conflict, Unavailable) as error:
            self._context.log.warning("OpenClaw gets no MCP servers of connectors: %s", error)
        return mcp_environment(servers)

    async def _ready(self, process: Process) -> bool:
        """Wait until the gateway accepts turns; False when it ended or timed out."""
        until = asyncio.get_running_loop().time() + READY_SECONDS
        while process.returncode is None and asyncio.get_running_loop().time() < until:
            if await answers(self._options, "/readyz"):
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False


def _fingerprint(secrets: Mapping[str, SecretStr]) -> str:
    """Return a digest that identifies keys and values without revealing them."""
    digest = hashlib.sha256()
    for key, secret in sorted(secrets.items()):
        digest.update(f"{key}={secret.get_secret_value()}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


async def _connect(gateway: Gateway) -> None:
    """Connect before a turn does, which stops the runs that the earlier gateway left."""
    with suppress(GatewayUnavailable, GatewayError):
        await gateway.connection()


async def _drain(process: Process) -> None:
    async for _ in process.batches():
        pass


def _exit_reason(code: int | None, stderr: str) -> str:
    tail = " ".join(stderr.split())[-TAIL_CHARACTERS:]
    if code == BAD_CONFIG:
        return f"it does not accept its configuration: {tail or 'see openclaw doctor'}"
    if code is None:
        return "it did not get ready in time"
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"it {how}{': ' + tail if tail else ''}"
