"""Script that forks test servers from one process with the core and the plugins imported.

`LiveServer` runs it by path. It imports no testing module, so that servers don't import `pytest`.
It prints `ready` once; the end of standard input ends it and its children.
Each connection to the UNIX socket is one server: a line of JSON comes in (`Request`), a line with
`pid` goes out after the fork and a line with `code` after the exit, negative for a signal.

The process has one thread, no event loop and no signal handler, so that a child behaves like a new
interpreter after the same imports. Only `/proc/<pid>/environ` and `cmdline` have the values of this
process.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn, TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

PROGRAM = "xo_cowork_core"
# libraries of which `serve` imports modules late
PRELOADED = (
    "anyio._backends._asyncio",
    "encodings.idna",
    "httptools",
    "httpx",
    "pydantic.v1",
    "sse_starlette",
    "uvicorn.lifespan.off",
    "uvloop",
)
# they import pytest or start something
NOT_PRELOADED = (f"{PROGRAM}.__main__", f"{PROGRAM}.sdk.testing")
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
    """Import what servers import, at once or late. A server reports a plugin that fails."""
    for name in PRELOADED:
        importlib.import_module(name)
    import_all(PROGRAM)
    share_type_adapters()
    # a server imports its routes after its start
    for family in importlib.import_module(f"{PROGRAM}.api.families").FAMILIES:
        build_routes(family.load_router())
    for entry in entry_points(group=PLUGINS):
        with suppress(BaseException):
            entry.load()
            import_all(entry.module.partition(".")[0])
    threads = os.listdir("/proc/self/task")  # noqa: PTH208
    if len(threads) > 1:
        sys.exit("an installed plugin starts a thread at import: servers can't be forked")
    gc.collect()
    gc.freeze()


def share_type_adapters() -> None:
    """Have FastAPI build the type adapter of equal fields once, for this process and its children.

    Each server would build hundreds of them for its routes, which takes longer than its start.
    """
    fields: Any = importlib.import_module("fastapi._compat.v2")
    build = fields.TypeAdapter
    adapters: dict[tuple[Any, str], Any] = {}

    def build_once(annotation: Any, *, config: Any) -> Any:
        # the text has the conditions and the default; two classes may have the same name
        key = (annotation.__origin__, repr((annotation, config)))
        if key not in adapters:
            adapters[key] = build(annotation, config=config)
        return adapters[key]

    fields.TypeAdapter = build_once


def build_routes(router: APIRouter) -> None:
    """Build what an app needs to serve the routes, and drop all but the type adapters."""
    app = FastAPI()
    app.include_router(router)
    for _ in iter_route_contexts(app.routes):
        pass


def import_all(name: str) -> None:
    """Import a module and, if it is a package, all modules below it."""
    module = importlib.import_module(name)
    for below in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        if below.name not in NOT_PRELOADED:
            import_all(below.name)


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


def run_and_exit(request: Request) -> NoReturn:
    """Run the server and end the process as the interpreter does, but free no memory.

    The interpreter would touch every object at its end. In a fork that copies all of the memory
    that is shared with the parent, which takes as long as the start.
    """
    code = 0
    try:
        run(request)
    except SystemExit as error:
        # a text is what `sys.exit` would print
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)  # noqa: T201
    except BaseException:  # noqa: BLE001  # it ends this process as it ends an interpreter
        traceback.print_exc()
        code = 1
    # what an interpreter calls first: wait for threads, run the functions of `atexit`
    threading._shutdown()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


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
        run_and_exit(request)


if __name__ == "__main__":
    main(sys.argv[1])
