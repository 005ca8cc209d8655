"""Whether Codex is there and signed in. Costs nothing while nothing changed."""

import asyncio
import time
from pathlib import Path

from xo_cowork_core.sdk import AgentFailure, Health, HostContext
from xo_runtime_codex.account import find_account
from xo_runtime_codex.failures import INSTALL
from xo_runtime_codex.options import Options

ASK_SECONDS = 4.0
SIGNED_IN_FRESH_SECONDS = 60.0
SIGNED_OUT_FRESH_SECONDS = 5.0
SIGN_IN = "codex login"


class HealthCheck:
    """Remembers the version by file and the sign-in for a minute."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._versions: dict[tuple[str, int], str] = {}
        self._signed_in: tuple[float, bool] = (0.0, False)

    async def look(self) -> Health:
        """Look. Raises nothing."""
        binary = await asyncio.to_thread(self._context.paths.binary, "codex", self._options.binary)
        if binary is None:
            return Health("missing", detail="Codex isn't installed.", fix=INSTALL)
        version = await self._version(binary)
        if not version:
            return Health("failed", str(binary), None, "Codex is there but does not run.", INSTALL)
        if await self._has_login(binary):
            return Health("ready", str(binary), version, signed_in=True)
        return Health(
            "needs_auth",
            str(binary),
            version,
            detail="Codex isn't signed in and has no key.",
            fix=SIGN_IN,
            signed_in=False,
        )

    async def _version(self, binary: Path) -> str:
        try:
            changed = (await asyncio.to_thread(binary.stat)).st_mtime_ns
        except OSError:
            return ""
        key = (str(binary), changed)
        if key not in self._versions:
            _, said = await self._ask(binary, "--version")
            words = said.split()
            if not words:
                return ""
            self._versions = {key: words[-1].decode("utf-8", "replace")}
        return self._versions[key]

    async def _has_login(self, binary: Path) -> bool:
        if await asyncio.to_thread(self._has_account):
            return True
        when, signed_in = self._signed_in
        fresh = SIGNED_IN_FRESH_SECONDS if signed_in else SIGNED_OUT_FRESH_SECONDS
        if when and time.monotonic() - when < fresh:
            return signed_in
        # it may keep its sign-in in the system's key ring
        returncode, _ = await self._ask(binary, "login", "status")
        self._signed_in = (time.monotonic(), returncode == 0)
        return returncode == 0

    def _has_account(self) -> bool:
        environment = self._context.secrets.environment()
        return find_account(self._options.home, environment) is not None

    async def _ask(self, binary: Path, *arguments: str) -> tuple[int | None, bytes]:
        environment = {"CODEX_HOME": str(self._options.home)} if self._options.own_home else {}
        try:
            process = await self._context.processes.spawn(
                [str(binary), *arguments], cwd=self._context.paths.home, environment=environment
            )
        except AgentFailure:
            return None, b""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await process.close_stdin()
                lines = [line async for batch in process.batches() for line in batch]
                return await process.wait(1.0), b"\n".join(lines)
        except (TimeoutError, AgentFailure):
            return None, b""
        finally:
            await process.stop(kill_after=0.5)
