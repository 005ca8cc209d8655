"""Script that forks test servers from one process with the core and the plugins imported.

`LiveServer` runs it by path. It imports no testing module, so that servers don't import `pytest`.
It prints `ready` once; the end of standard input ends it and its children.
Each connection to the UNIX socket is one server: a line of JSON comes in (`Request`), a line with
`pid` goes out after the fork and a line with `code` after the exit, negative for a signal.

The process has one thread, no event loop and no signal handler, so that a child behaves like a new
interpreter after the same imports. Only `/proc/<pid>/environ` and `cmdline` have the values of this
process.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypedDict

PROGRAM = "xo_cowork_core"
# all imports of `serve`, including those that it makes late
PRELOADED = (f"{PROGRAM}.cli", f"{PROGRAM}.host.serving", "uvloop", "sse_starlette", "httptools")
PLUGINS = "xo_cowork.plugins"
MAX_REQUEST_BYTES = 1 << 20


class Request(TypedDict):
    """The request for one server. `log_file` receives its standard output and error."""

    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    python_path: list[str]
    log_file: str


class ForkServer:
    """Accepts connections, forks a child for each, and reports how each child ends."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(0, selectors.EVENT_READ)
        self._connections: dict[int, socket.socket] = {}
        self._pids: dict[int, int] = {}

    def serve(self) -> Request | None:
        """Serve until standard input ends, then return None. Returns the request in a child."""
        while True:
            for key, _ in self._selector.select():
                if key.fd == 0:
                    self._kill_children()
                    return None
                if key.fd in self._pids:
                    self._report_exit(key.fd)
                elif request := self._accept():
                    return request

    def _accept(self) -> Request | None:
        connection, _ = self._listener.accept()
        with connection.makefile("rb") as lines:
            line = lines.readline(MAX_REQUEST_BYTES)
        if not line:
            connection.close()
            return None
        pid = os.fork()
        if not pid:
            connection.close()
            self._close()
            return json.loads(line)
        watch = os.pidfd_open(pid)
        self._selector.register(watch, selectors.EVENT_READ)
        self._connections[watch], self._pids[watch] = connection, pid
        _send(connection, pid=pid)
        return None

    def _report_exit(self, watch: int) -> None:
        _, status = os.waitpid(self._pids.pop(watch), 0)
        self._selector.unregister(watch)
        os.close(watch)
        with self._connections.pop(watch) as connection:
            _send(connection, code=os.waitstatus_to_exitcode(status))

    def _kill_children(self) -> None:
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)

    def _close(self) -> None:
        """Close every descriptor of this process, in a child."""
        self._listener.close()
        self._selector.close()
        for watch, connection in self._connections.items():
            connection.close()
            os.close(watch)


def _send(connection: socket.socket, **fields: int) -> None:
    # the test may have ended and closed the connection
    with suppress(OSError):
        connection.sendall(json.dumps(fields).encode() + b"\n")


def preload() -> None:
    """Import what servers import. A server reports a plugin whose import fails."""
    for name in PRELOADED:
        importlib.import_module(name)
    for entry in entry_points(group=PLUGINS):
        with suppress(BaseException):
            entry.load()
    threads = os.listdir("/proc/self/task")  # noqa: PTH208
    if len(threads) > 1:
        sys.exit("an installed plugin starts a thread at import: servers can't be forked")
    gc.collect()
    gc.freeze()


def run(request: Request) -> None:
    """Run `python -m xo_cowork_core …` in this process."""
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    stdin = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log_file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((stdin, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(stdin)
    os.close(log)
    sys.path[:1] = [request["cwd"], *request["python_path"]]
    sys.argv = [PROGRAM, *request["arguments"]]
    # what a server that restarts itself runs
    sys.orig_argv = [sys.executable, "-m", PROGRAM, *request["arguments"]]
    runpy.run_module(PROGRAM, run_name="__main__", alter_sys=True)


def main(address: str) -> None:
    """Import everything, listen on the UNIX socket at `address`, and serve."""
    # `sys.path` starts with the script's folder; that of a server starts with its working folder
    sys.path[0] = str(Path(address).parent)
    preload()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        request = ForkServer(listener).serve()
    if request:
        run(request)


if __name__ == "__main__":
    main(sys.argv[1])
