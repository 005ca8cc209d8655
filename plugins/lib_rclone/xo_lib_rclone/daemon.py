"""A supervised `rclone rcd`: rclone as a server on a unix socket in the plugin's own folder.

It starts with the first request, is started again when it has ended, and stops after some minutes
without a request, or with the plugin. Its socket and its configuration are in a folder of mode
0700, so it asks for no password. It owns a task that watches the process; the task ends with it.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from xo_cowork_core.sdk import AgentFailure, HostContext, Process, Unavailable, XoError
from xo_lib_rclone.errors import DaemonLost, tool_missing, tool_too_old
from xo_lib_rclone.program import INSTALL, OLD_SIGNS, RcloneProgram

CONFIG_FILE = "rclone.conf"
SOCKET_FILE = "rcd.sock"
SPOOL_FOLDER = "spool"
SOCKET_URL = "http://rclone/"
START_SECONDS = 20.0
POLL_SECONDS = 0.02
PING_SECONDS = 2.0
IDLE_SECONDS = 300.0
STOP_SECONDS = 2.0
OUTPUT_SECONDS = 1.0
# of sun_path on Linux (108) and macOS (104), with its NUL
MAX_SOCKET_BYTES = 103


class Endpoint(NamedTuple):
    """A running daemon: its socket, and how many daemons there were up to it."""

    socket: Path
    generation: int


class RcloneDaemon:
    """The rclone of one plugin."""

    def __init__(
        self, context: HostContext, program: RcloneProgram, *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._context = context
        self._program = program
        self._idle_seconds = idle_seconds
        self._lock = asyncio.Lock()
        self._process: Process | None = None
        self._endpoint: Endpoint | None = None
        self._generation = 0
        self._users = 0
        self._used_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._is_running() else None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Endpoint]:
        """Start rclone unless it runs, and keep it running inside the block.

        Raises Unavailable: code `tool_missing` or `tool_too_old`, or why it did not start.
        """
        async with self._lock:
            if not self._is_running() or self._endpoint is None:
                self._endpoint = await self._start()
            endpoint = self._endpoint
            self._users += 1
        try:
            yield endpoint
        finally:
            self._users -= 1
            self._used_at = asyncio.get_running_loop().time()

    async def recover(self, endpoint: Endpoint) -> bool:
        """Return whether a daemon that failed a request still answers; end it if it does not.

        The next `use` then starts another.
        """
        async with self._lock:
            if endpoint.generation != self._generation or self._process is None:
                return False
            if self._is_running() and await self._answers(endpoint.socket):
                return True
            await self._process.stop(kill_after=STOP_SECONDS)
            return False

    def config_file(self) -> Path:
        """Return the file of the remotes, mode 0600; create it if it does not exist. Blocks."""
        file = self._context.paths.ensure_state_folder() / CONFIG_FILE
        # rclone keeps the mode of a file that exists
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        file.chmod(0o600)
        return file

    def _is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _start(self) -> Endpoint:
        program = await asyncio.to_thread(self._program.find)
        if program is None:
            raise self._program.missing()
        try:
            config, socket = await asyncio.to_thread(self._prepare_files)
        except OSError as error:
            reason = error.strerror or "the disk refuses it"
            raise Unavailable(f"rclone's files can't be written: {reason}.") from None
        try:
            process = await self._context.processes.spawn(
                [str(program), "rcd", "--rc-addr", f"unix://{socket}", "--rc-no-auth"],
                cwd=config.parent,
                environment=self._environment(config),
            )
        except AgentFailure as error:
            raise tool_missing(f"rclone did not start: {error.message}") from None
        self._process, self._endpoint = process, None
        try:
            await self._wait_until_ready(process, program, socket)
        except BaseException:
            await process.stop(kill_after=STOP_SECONDS)
            raise
        self._generation += 1
        self._used_at = asyncio.get_running_loop().time()
        self._context.create_task(self._stop_when_idle(process, socket), "rclone watch")
        return Endpoint(socket, self._generation)

    def _environment(self, config: Path) -> dict[str, str]:
        return {
            **self._program.environment(),
            "RCLONE_CONFIG": str(config),
            # rclone stores an upload there first where a service must know its size, as OneDrive
            "TMPDIR": str(config.with_name(SPOOL_FOLDER)),
            "RCLONE_RC_SERVE": "true",
            # an upload may take hours
            "RCLONE_RC_SERVER_READ_TIMEOUT": "24h",
            "RCLONE_RC_SERVER_WRITE_TIMEOUT": "24h",
            # a person waits for the answer
            "RCLONE_LOW_LEVEL_RETRIES": "3",
            "RCLONE_CONTIMEOUT": "15s",
            "RCLONE_TIMEOUT": "60s",
            # how long a path stays looked up, see `rc.RemoteControl.forget_folders`
            "RCLONE_FS_CACHE_EXPIRE_DURATION": "30s",
            "RCLONE_FS_CACHE_EXPIRE_INTERVAL": "10s",
            # `transfers` reads ahead by more than this
            "RCLONE_STREAMING_UPLOAD_CUTOFF": "100Ki",
        }

    def _prepare_files(self) -> tuple[Path, Path]:
        """Return the configuration file and the path of the socket, which is free."""
        config = self.config_file()
        socket = config.with_name(SOCKET_FILE)
        if len(os.fsencode(socket)) > MAX_SOCKET_BYTES:
            socket = Path(tempfile.mkdtemp(prefix="xo-rclone-"), SOCKET_FILE)
        socket.unlink(missing_ok=True)
        # a daemon that was killed left the uploads that it had begun
        spool = config.with_name(SPOOL_FOLDER)
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(mode=0o700)
        return config, socket

    async def _wait_until_ready(self, process: Process, program: Path, socket: Path) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while process.returncode is None:
                    if await asyncio.to_thread(socket.exists) and await self._answers(socket):
                        return
                    await process.wait(POLL_SECONDS)
        except TimeoutError:
            raise DaemonLost(f"rclone did not start within {START_SECONDS:.0f} s.") from None
        raise await self._explain(process, program)

    async def _explain(self, process: Process, program: Path) -> XoError:
        """Return why a daemon ended at its start."""
        printed = await _last_words(process)
        self._context.log.error("rclone ended at its start: %s", _last_line(printed))
        if OLD_SIGNS.search(printed):
            version = await self._program.read_version(program) or "of an unknown version"
            return tool_too_old(
                f"The rclone at {program} is {version}: it can't serve on a unix socket. "
                f"Install a newer one: {INSTALL}"
            )
        return Unavailable("rclone ended at its start: the log of the plugin says why.")

    async def _answers(self, socket: Path) -> bool:
        try:
            response = await self._context.http.request(
                "POST", f"{SOCKET_URL}rc/noop", json={}, socket=socket, timeout=PING_SECONDS
            )
        except XoError:
            return False
        return response.status == 200

    async def _stop_when_idle(self, process: Process, socket: Path) -> None:
        """End the process when nothing has used it for a while; clear up when it has ended."""
        clock = asyncio.get_running_loop().time
        while process.returncode is None:
            rest = self._used_at + self._idle_seconds - clock()
            # a request that lasts keeps it running
            await process.wait(max(rest, 1.0) if self._users == 0 else self._idle_seconds)
            async with self._lock:
                is_idle = self._users == 0 and self._used_at + self._idle_seconds <= clock()
                if is_idle and process.returncode is None:
                    await process.stop(term_after=0.0, kill_after=STOP_SECONDS)
        if socket.parent.name.startswith("xo-rclone-"):
            with contextlib.suppress(OSError):
                await asyncio.to_thread(shutil.rmtree, socket.parent)


async def _last_words(process: Process) -> str:
    """Return what an ended process printed, which may arrive after its end."""
    attempts = round(OUTPUT_SECONDS / POLL_SECONDS)
    while not process.stderr_tail and attempts:
        attempts -= 1
        await asyncio.sleep(POLL_SECONDS)
    return process.stderr_tail


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
