"""Runs a real server process for tests, with a home of its own.

`LiveServer` owns one process, its folder and its HTTP client; `close` ends all three.
"""

import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from xo_cowork_core.sdk.testing.proctree import Pid, descendants, eventually, kill_all
from xo_cowork_core.sdk.testing.server_process import (
    ServerCommand,
    ServerProcess,
    can_fork,
    shared_fork_server,
)

LISTENING = re.compile(r"^listening on (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
START_SECONDS = 30.0
STOP_SECONDS = 15.0
HTTP_SECONDS = 30.0


class LiveServer:
    """Runs `python -m xo_cowork_core serve` on a free port of the loopback.

    The environment is clean: PATH, a fresh HOME with state folder and projects root in it, and
    what `environment` adds. `python_path` are folders of plugins beside the installed ones.
    Use it as a context manager, or call `start` and `close`.

    The process is forked from one that has imported the core and the installed plugins already,
    which saves most of a start; `/proc/<pid>/cmdline` and `environ` are then those of that
    process. `fresh` starts a new interpreter instead, for tests of the start itself. So does a
    server whose variables or folders of plugins change what is imported.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        python_path: Sequence[Path] = (),
        start_seconds: float = START_SECONDS,
        fresh: bool = False,
    ) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="xo-live-"))
        self.home = self.root / "home"
        self.projects = self.home / "xo-projects"
        self.state = self.home / ".xo-cowork"
        self.base_url = ""
        self._environment = dict(environment or {})
        self._python_path = list(python_path)
        self._start_seconds = start_seconds
        self._log_file = self.root / "server.log"
        self._process: ServerProcess | None = None
        self._fork_server = None if fresh else shared_fork_server()
        self._client: httpx.Client | None = None
        self._seen: dict[int, Pid] = {}
        self.projects.mkdir(parents=True)
        atexit.register(self.close)

    def __enter__(self) -> "LiveServer":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def client(self) -> httpx.Client:
        """An HTTP client of the running server; a new one after each start."""
        assert self._client, "the server is not running"
        return self._client

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process, "the server was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """All that the server printed so far, over all its starts."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def seen(self) -> list[Pid]:
        """Every process that `children` ever saw below the server."""
        return list(self._seen.values())

    def children(self) -> list[Pid]:
        """List every process below the server, and remember them for `close`."""
        found = descendants(self.pid) if self.running else []
        self._seen.update({pid.number: pid for pid in found})
        return found

    def start(self) -> None:
        """Start it and wait for `/health`. Raises AssertionError with the log when it fails."""
        before = len(self.log)
        self._process = self._start_process()
        self._wait(lambda: LISTENING.search(self.log, before) is not None, "the address")
        found = LISTENING.search(self.log, before)
        assert found
        self.base_url = found.group(1)
        self._client = httpx.Client(base_url=self.base_url, timeout=HTTP_SECONDS, trust_env=False)
        self._wait(self._healthy, "an answer of /health")

    def variables(self) -> dict[str, str]:
        """Return the environment that the server gets."""
        places = [str(place) for place in self._python_path]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XO_STATE_DIR": str(self.state),
            "XO_PROJECTS_ROOT": str(self.projects),
            "STAGE": "local",
            "HOST": "127.0.0.1",
            "PORT": "0",
            **({"PYTHONPATH": os.pathsep.join(places)} if places else {}),
            **self._environment,
        }

    def restart(self) -> None:
        """Stop it with SIGTERM and start it again, on another port, with the same folders."""
        self.terminate()
        self.start()

    def terminate(self) -> int:
        """Send SIGTERM and wait; return the exit code. Raises TimeoutExpired when it stays."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Send SIGKILL and wait. What the server started lives on, as after a real crash."""
        return self._end(signal.SIGKILL)

    def close(self) -> None:
        """End the server and every process seen below it, and remove the folder. Harmless twice."""
        try:
            if self.running:
                self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
        finally:
            kill_all(self._seen.values())
            shutil.rmtree(self.root, ignore_errors=True)
            atexit.unregister(self.close)

    def _start_process(self) -> ServerProcess:
        command = ServerCommand(
            ["serve"], self.variables(), self.root, self._python_path, self._log_file
        )
        if self._fork_server and can_fork(self._environment, self._python_path):
            return self._fork_server.fork(command)
        return command.spawn()

    def _end(self, number: signal.Signals) -> int:
        assert self._process
        self.children()
        self._process.send_signal(number)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            if self._client:
                self._client.close()
                self._client = None

    def _healthy(self) -> bool:
        try:
            return self.client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def _wait(self, holds: Callable[[], bool], wanted: str) -> None:
        def settled() -> bool:
            return not self.running or holds()

        try:
            eventually(settled, self._start_seconds, wanted)
        except AssertionError as error:
            raise AssertionError(f"the server did not start: {error}\n{self.log}") from None
        if not self.running:
            raise AssertionError(f"the server ended before {wanted}:\n{self.log}")
