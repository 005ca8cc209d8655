"""Whether Claude Code is there and signed in. Costs nothing while nothing changed."""

import asyncio
import time
from pathlib import Path

import orjson

from xo_cowork_core.sdk import AgentFailure, Health, HostContext
from xo_runtime_claude.options import CREDENTIALS, QUIET, Options, is_credential

ASK_SECONDS = 4.0
SIGNED_IN_FRESH_SECONDS = 60.0
SIGNED_OUT_FRESH_SECONDS = 5.0
INSTALL = "npm install -g @anthropic-ai/claude-code"
SIGN_IN = "claude auth login"


class HealthCheck:
    """Remembers the version by file and the sign-in for a minute."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._versions: dict[tuple[str, int], str] = {}
        self._signed_in: tuple[float, bool] = (0.0, False)

    async def look(self) -> Health:
        """Look. Raises nothing."""
        binary = await asyncio.to_thread(self._context.paths.binary, "claude", self._options.binary)
        if binary is None:
            return Health("missing", detail="Claude Code isn't installed.", fix=INSTALL)
        version = await self._version(binary)
        if not version:
            detail = "Claude Code is there but does not run."
            return Health("failed", str(binary), None, detail, INSTALL)
        if await self._has_login(binary):
            return Health("ready", str(binary), version, signed_in=True)
        return Health(
            "needs_auth",
            str(binary),
            version,
            detail="Claude Code isn't signed in and has no key.",
            fix=SIGN_IN,
            signed_in=False,
        )

    async def _version(self, binary: Path) -> str:
        changed = (await asyncio.to_thread(binary.stat)).st_mtime_ns
        key = (str(binary), changed)
        if key not in self._versions:
            words = (await self._ask(binary, "--version")).split()
            if not words:
                return ""
            self._versions = {key: words[0].decode("utf-8", "replace")}
        return self._versions[key]

    async def _has_login(self, binary: Path) -> bool:
        if await asyncio.to_thread(self._has_key):
            return True
        when, signed_in = self._signed_in
        fresh = SIGNED_IN_FRESH_SECONDS if signed_in else SIGNED_OUT_FRESH_SECONDS
        if when and time.monotonic() - when < fresh:
            return signed_in
        signed_in = _logged_in(await self._ask(binary, "auth", "status", "--json"))
        self._signed_in = (time.monotonic(), signed_in)
        return signed_in

    def _has_key(self) -> bool:
        environment = self._context.secrets.environment()
        if any(is_credential(environment.get(key)) for key in CREDENTIALS):
            return True
        return (self._options.config / ".credentials.json").is_file()

    async def _ask(self, binary: Path, *arguments: str) -> bytes:
        environment = dict(QUIET)
        if self._options.own_config:
            environment["CLAUDE_CONFIG_DIR"] = str(self._options.config)
        try:
            process = await self._context.processes.spawn(
                [str(binary), *arguments], cwd=self._context.paths.home, environment=environment
            )
        except AgentFailure:
            return b""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await process.close_stdin()
                return b"\n".join([line async for lines in process.batches() for line in lines])
        except (TimeoutError, AgentFailure):
            return b""
        finally:
            await process.stop(kill_after=0.5)


def _logged_in(answer: bytes) -> bool:
    try:
        status = orjson.loads(answer)
    except ValueError:
        return False
    return isinstance(status, dict) and status.get("loggedIn") is True
