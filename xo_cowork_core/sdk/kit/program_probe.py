"""Health check of an agent that is a command-line program: installed, runs, signed in."""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.health import Health

COMMAND_SECONDS = 4.0
SIGNED_IN_FRESH_SECONDS = 60.0
SIGNED_OUT_FRESH_SECONDS = 5.0
VERSION = re.compile(rb"\bv?(\d+\.\d\S*)")


@frozen_dataclass
class CommandResult:
    """The result of a command. `returncode` is None when the program did not start."""

    returncode: int | None
    stdout: bytes


class ProgramHealth(ABC):
    """Checks a program and caches its version and sign-in state.

    The version is cached while the file is unchanged, a sign-in for 60 s, a missing sign-in for
    5 s. A program that does not answer in time, as on a busy machine, is `degraded` and takes
    turns. `title` is its name for people, `command` its executable; `install` and `sign_in` are
    the commands that people run to install it and to sign in. `override` is a path that replaces
    the search, `environment` is added to the host's allow-list.
    """

    title: str
    command: str
    install: str
    sign_in: str

    def __init__(
        self, context: HostContext, override: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        self._context = context
        self._override = override
        self._environment = dict(environment or {})
        self._version: tuple[tuple[Path, int], str] | None = None
        self._signed_in: tuple[float, bool] | None = None

    @abstractmethod
    def has_key(self) -> bool:
        """Return whether a key or a stored sign-in exists. Called in a thread; may block."""

    @abstractmethod
    async def is_signed_in(self, binary: Path) -> bool:
        """Return whether the program reports a signed-in user. Called when `has_key` is false."""

    def find_binary(self) -> Path | None:
        """Return the executable's path. Called in a thread; may block."""
        return self._context.paths.binary(self.command, self._override)

    def forget_sign_in(self) -> None:
        """Ask again whether a user is signed in."""
        self._signed_in = None

    async def check(self) -> Health:
        """Return the health within 10 s. Raises what `has_key` and `is_signed_in` raise."""
        binary = await asyncio.to_thread(self.find_binary)
        if binary is None and self._override:
            place = f"{self._override}, which its setting names"
            return Health("missing", detail=f"{self.title} isn't at {place}, or may not be run.")
        if binary is None:
            return Health("missing", detail=f"{self.title} isn't installed.", fix=self.install)
        try:
            return await self._probe(binary)
        except TimeoutError:
            version = self._version[1] if self._version else None
            return Health("degraded", str(binary), version, f"{self.title} is slow to answer.")

    async def _probe(self, binary: Path) -> Health:
        version = await self._version_of(binary)
        if not version:
            detail = f"{self.title} is there but does not run."
            return Health("failed", str(binary), detail=detail, fix=self.install)
        if await asyncio.to_thread(self.has_key) or await self._is_signed_in_cached(binary):
            return Health("ready", str(binary), version, signed_in=True)
        detail = f"{self.title} isn't signed in and has no key."
        return Health("needs_auth", str(binary), version, detail, self.sign_in, signed_in=False)

    async def run_command(self, binary: Path, *arguments: str) -> CommandResult:
        """Run the program with `arguments` and an empty stdin.

        Raises `TimeoutError` after 4 s.
        """
        try:
            process = await self._context.processes.spawn(
                [str(binary), *arguments],
                cwd=self._context.paths.home,
                environment=self._environment,
            )
        except AgentFailure:
            return CommandResult(None, b"")
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                await process.close_stdin()
                lines = [line async for batch in process.batches() for line in batch]
                return CommandResult(await process.wait(1.0), b"\n".join(lines))
        except AgentFailure:
            return CommandResult(None, b"")
        finally:
            await process.stop(kill_after=0.5)

    async def _version_of(self, binary: Path) -> str:
        try:
            file = (binary, (await asyncio.to_thread(binary.stat)).st_mtime_ns)
        except OSError:
            return ""
        if self._version is None or self._version[0] != file:
            match = VERSION.search((await self.run_command(binary, "--version")).stdout)
            if match is None:
                return ""
            self._version = (file, match[1].decode("utf-8", "replace"))
        return self._version[1]

    async def _is_signed_in_cached(self, binary: Path) -> bool:
        if self._signed_in:
            when, signed_in = self._signed_in
            fresh = SIGNED_IN_FRESH_SECONDS if signed_in else SIGNED_OUT_FRESH_SECONDS
            if time.monotonic() - when < fresh:
                return signed_in
        signed_in = await self.is_signed_in(binary)
        self._signed_in = (time.monotonic(), signed_in)
        return signed_in
