"""Real child processes for unit tests of plugins, without the host's supervisor.

They have a session of their own and an environment from a short allow-list, and are ended by
`FakeProcesses.stop`, with their descendants and the processes of their session.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.testing.process_tree import (
    descendants,
    kill_all,
    read_environment,
    session_members,
)

CHUNK_BYTES = 1 << 16
TAIL_BYTES = 8192
EXIT_SECONDS = 5.0


class FakeProcess:
    """One running program. Owns the task that reads its stderr."""

    def __init__(self, process: asyncio.subprocess.Process, owner: str) -> None:
        self.owner = owner
        self._process = process
        self._stderr = b""
        self._rest = b""
        self._drain = asyncio.create_task(self._read_stderr(), name=f"stderr of {process.pid}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    @property
    def stderr_tail(self) -> str:
        return self._stderr.decode("utf-8", "replace")

    async def write(self, data: bytes, *, timeout: float = 30.0) -> None:
        assert self._process.stdin
        try:
            async with asyncio.timeout(timeout):
                self._process.stdin.write(data)
                await self._process.stdin.drain()
        except TimeoutError:
            raise AgentFailure("The agent does not read its input", code="timeout") from None
        except (ConnectionError, RuntimeError) as error:
            raise AgentFailure("The agent has ended", code="crashed") from error

    async def close_stdin(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()

    async def batches(self) -> AsyncIterator[list[bytes]]:
        assert self._process.stdout
        while chunk := await self._process.stdout.read(CHUNK_BYTES):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            if lines:
                yield lines
        if self._rest:
            last, self._rest = self._rest, b""
            yield [last]

    async def wait(self, timeout: float) -> int | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._process.wait()
                await self._drain
        return self.returncode

    async def descendants(self) -> frozenset[int]:
        return frozenset(process.pid for process in descendants(self.pid))

    async def kill_descendants(self, *, spare: frozenset[int] = frozenset()) -> None:
        kill_all(process for process in descendants(self.pid) if process.pid not in spare)

    async def terminate_tagged(self, name: str, value: str, *, kill_after: float = 1.0) -> bool:
        tagged = [p for p in descendants(self.pid) if read_environment(p.pid).get(name) == value]
        for process in tagged:
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.sleep(kill_after if tagged else 0)
        kill_all(tagged)
        return True

    async def stop(self, *, term_after: float = 0.0, kill_after: float = 3.0) -> None:
        below = descendants(self.pid)
        if self.returncode is None:
            await self.close_stdin()
            if await self.wait(term_after) is None:
                self._process.terminate()
            if await self.wait(kill_after) is None:
                self._process.kill()
            await self.wait(EXIT_SECONDS)
        kill_all([*below, *session_members(self.pid)])
        await self._close_pipes()

    async def _close_pipes(self) -> None:
        """Read both pipes to their end, which closes them."""
        assert self._process.stdout
        # a reader of `batches` that still waits reads to the end itself
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(EXIT_SECONDS):
                await self._process.stdout.read()
        await asyncio.wait({self._drain}, timeout=EXIT_SECONDS)
        self._drain.cancel()

    async def _read_stderr(self) -> None:
        assert self._process.stderr
        while chunk := await self._process.stderr.read(CHUNK_BYTES):
            self._stderr = (self._stderr + chunk)[-TAIL_BYTES:]


class FakeProcesses:
    """Starts real programs. `started` has all of them, oldest first."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.started: list[FakeProcess] = []

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, SecretStr | str],
        owner: str = "",
    ) -> FakeProcess:
        entries = {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in environment.items()
        }
        base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home)}
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=cwd,
                env={**base, "LANG": "C.UTF-8", **entries},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise AgentFailure(f"{argv[0]} isn't installed", code="not_installed") from error
        started = FakeProcess(process, owner)
        self.started.append(started)
        return started

    async def terminate_matching(
        self,
        entries: Mapping[str, str],
        *,
        since: float,
        until: float | None = None,
        folder: Path | None = None,
        kill_after: float = 1.0,
    ) -> None:
        """Do nothing: processes of other programs are left alone in unit tests."""

    async def stop(self, owner: str | None = None) -> None:
        """End the programs of an owner, or all of them."""
        for process in self.started:
            if owner is None or process.owner == owner:
                await process.stop(kill_after=1.0)
