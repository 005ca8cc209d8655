"""Starts the process of a test server: forked from a fork server, or as a new interpreter.

A fork takes a fraction of an interpreter's start, because the fork server has done all imports.
Each test process has one fork server, started at first use; it ends at exit with its servers.
"""

import atexit
import importlib.util
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

FORK_SERVER = Path(__file__).with_name("fork_server.py")
PROGRAM = "xo_cowork_core"
READY_SECONDS = 60.0
FORK_SECONDS = 30.0
# variables that an interpreter reads when it starts; a forked one has started already
READ_AT_START = ("PYTHON", "LD_", "LANG", "LC_")
CUSTOMIZATIONS = {"sitecustomize", "usercustomize"}


class ServerProcess(Protocol):
    """The interface of a server's process; `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the process runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code. Raises `subprocess.TimeoutExpired`."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the process has ended."""
        ...


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """The command that starts one server. `python_path` are folders with plugins."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    python_path: Sequence[Path]
    log_file: Path

    def spawn(self) -> ServerProcess:
        """Start a new interpreter in its own session."""
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", PROGRAM, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.cwd,
                start_new_session=True,
            )

    def request(self) -> bytes:
        """Return the line that asks the fork server for this server."""
        fields = {
            "arguments": self.arguments,
            "environment": self.environment,
            "cwd": str(self.cwd),
            "python_path": [str(folder) for folder in self.python_path],
            "log_file": str(self.log_file),
        }
        return json.dumps(fields).encode() + b"\n"


class ForkedProcess:
    """A child of the fork server, which reports pid and exit code over a connection.

    Several threads may wait for it, as for a `Popen`.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reading = threading.Lock()
        self._code: int | None = None
        self.pid = self._receive("pid", FORK_SECONDS)

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if not self._reading.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired([PROGRAM], timeout or 0)
        try:
            if self._code is None:
                self._code = self._receive("code", timeout)
                self._connection.close()
            return self._code
        finally:
            self._reading.release()

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def _receive(self, field: str, timeout: float | None) -> int:
        if not _is_readable(self._connection.fileno(), timeout):
            raise subprocess.TimeoutExpired([PROGRAM], timeout or 0)
        line = bytearray()
        while not line.endswith(b"\n"):
            # byte by byte: the next line is for the next call
            byte = self._connection.recv(1)
            if not byte:
                raise AssertionError(f"the fork server ended before it reported the {field}")
            line += byte
        return int(json.loads(line)[field])


class ForkServer:
    """The process that forks servers; `close` ends it, its servers and its folder."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="xo-fork-"))
        self._address = self._folder / "socket"
        self._log_file = self._folder / "log"
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, FORK_SERVER, self._address],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                cwd=self._folder,
                start_new_session=True,
            )
        atexit.register(self.close)

    def wait_until_ready(self) -> None:
        """Wait until the imports are done. Raises `RuntimeError` with the output when they fail."""
        assert self._process.stdout
        with self._process.stdout as output:
            answered = _is_readable(output.fileno(), READY_SECONDS)
            if not answered or output.readline() != b"ready\n":
                reason = self._log_file.read_text(errors="replace")
                self.close()
                raise RuntimeError(f"the fork server did not start: {reason}")

    def fork(self, command: ServerCommand) -> ForkedProcess:
        """Start one server."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self._address))
            connection.sendall(command.request())
            return ForkedProcess(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """End the process and the servers that it has forked."""
        atexit.unregister(self.close)
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(FORK_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _is_readable(descriptor: int, timeout: float | None) -> bool:
    # not `select`, which refuses descriptors from 1024 on
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else 1000 * timeout))


@cache
def shared_fork_server() -> ForkServer | None:
    """Return this test process's fork server; None where servers can't be forked.

    Call it before anything that must end earlier is registered with `atexit`.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    server = ForkServer()
    try:
        server.wait_until_ready()
    except RuntimeError:
        return None
    return server


def can_fork(environment: Iterable[str], python_path: Iterable[Path]) -> bool:
    """Return whether a fork behaves like a new interpreter with this environment and path.

    It does not when an interpreter reads one of the variables at its start, or when a folder has a
    module that would replace an installed one.
    """
    if any(name.startswith(READ_AT_START) for name in environment):
        return False
    modules = {entry.name.partition(".")[0] for path in python_path for entry in path.glob("*")}
    return not any(
        name in CUSTOMIZATIONS or importlib.util.find_spec(name)
        for name in modules
        if name.isidentifier()
    )
