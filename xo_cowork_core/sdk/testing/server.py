"""Runs a server process for tests, with its own home folder.

`LiveServer` owns the process, its folder and its HTTP client; `close` ends all three.
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

from xo_cowork_core.sdk.testing.answer_check import AnswerCheck
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo, descendants, eventually, kill_all
from xo_cowork_core.sdk.testing.server_process import (
    ServerCommand,
    ServerProcess,
    can_fork,
    shared_fork_server,
)

WATCHER = "watcher_program.py "
LISTENING = re.compile(r"^listening on (http://127\.0\.0\.1:\d+)$", re.MULTILINE)
START_SECONDS = 60.0
STOP_SECONDS = 30.0
HTTP_SECONDS = 30.0


class LiveServer:
    """Runs `python -m xo_cowork_core serve` on a free port of the loopback.

    The environment has PATH, a new HOME with the state folder and the projects root in it, and
    the entries of `environment`. `python_path` are folders with more plugins than the installed
    ones. Use it as a context manager, or call `start` and `close`.

    The process is forked from one that has already imported the core and the installed plugins,
    which saves most of the start time; `/proc/<pid>/cmdline` and `environ` are then those of that
    process. `fresh` starts a new interpreter instead, for tests of the start itself or of a plugin
    that a test installs or edits. A server whose environment or `python_path` changes what is
    imported also gets a new interpreter.
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
        self._seen: dict[int, ProcessInfo] = {}
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
        """An HTTP client of the running server; a new one after each start.

        It raises AssertionError for a JSON response that differs from `/openapi.json`.
        """
        assert self._client, "the server is not running"
        return self._client

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process, "the server was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """The output of the server since its first start."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @property
    def seen_processes(self) -> list[ProcessInfo]:
        """Every process that `descendants` has ever returned."""
        return list(self._seen.values())

    def descendants(self) -> list[ProcessInfo]:
        """Return the living descendants of the server, and remember them for `close`.

        The process that watches the server for its plugins is not among them.
        """
        processes = descendants(self.pid) if self.running else []
        processes = [process for process in processes if WATCHER not in process.command]
        self._seen.update({process.pid: process for process in processes})
        return processes

    def start(self) -> None:
        """Start the server and wait until `/health` answers.

        Raises AssertionError with the log when the start fails.
        """
        self._close_client()  # the last server may have ended by itself
        before = len(self.log)
        self._process = self._start_process()
        self._wait(lambda: LISTENING.search(self.log, before) is not None, "the address")
        address = LISTENING.search(self.log, before)
        assert address
        self.base_url = address.group(1)
        check = AnswerCheck(self.variables(), [str(folder) for folder in self._python_path])
        self._client = httpx.Client(
            base_url=self.base_url,
            timeout=HTTP_SECONDS,
            trust_env=False,
            event_hooks={"response": [check]},
        )
        self._wait(self._is_healthy, "an answer of /health")

    def variables(self) -> dict[str, str]:
        """Return the environment of the server."""
        folders = [str(folder) for folder in self._python_path]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XO_STATE_DIR": str(self.state),
            "XO_PROJECTS_ROOT": str(self.projects),
            "STAGE": "local",
            "HOST": "127.0.0.1",
            "PORT": "0",
            **({"PYTHONPATH": os.pathsep.join(folders)} if folders else {}),
            **self._environment,
        }

    def restart(self) -> None:
        """Stop the server with SIGTERM, start it again with the same folders, on another port."""
        self.terminate()
        self.start()

    def terminate(self) -> int:
        """Send SIGTERM if it runs, and return the exit code. Raises `TimeoutExpired` after 30 s."""
        return self._stop_with(signal.SIGTERM)

    def kill(self) -> int:
        """Send SIGKILL and return the exit code. Descendants end in the next second or so."""
        return self._stop_with(signal.SIGKILL)

    def close(self) -> None:
        """End the server and its seen descendants, and delete its folder. May be called twice."""
        try:
            if self.running:
                self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
        finally:
            self._close_client()
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

    def _stop_with(self, signal_number: signal.Signals) -> int:
        assert self._process
        self.descendants()
        self._process.send_signal(signal_number)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            self._close_client()

    def _close_client(self) -> None:
        if self._client:
            self._client.close()
            self._client = None

    def _is_healthy(self) -> bool:
        try:
            return self.client.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def _wait(self, condition: Callable[[], bool], description: str) -> None:
        def has_ended_or_holds() -> bool:
            return not self.running or condition()

        try:
            eventually(has_ended_or_holds, self._start_seconds, description)
        except AssertionError as error:
            raise AssertionError(f"the server did not start: {error}\n{self.log}") from None
        if not self.running:
            raise AssertionError(f"the server ended before {description}:\n{self.log}")
