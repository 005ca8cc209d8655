"""Serve one app until a signal: logging, socket, event loop, signals, uvicorn."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeAlias, cast

import uvicorn
from fastapi import FastAPI

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.api.families import FIRST_FAMILIES
from xo_cowork_core.api.streaming.response import load_async_backend
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.event_loop import cancel_remaining_tasks
from xo_cowork_core.host.lifecycle import start_requests
from xo_cowork_core.host.middleware.protocol_limits import LimitedHttpProtocol
from xo_cowork_core.host.plugins.registrar import StartupError
from xo_cowork_core.host.restart import replace_process, take_inherited_listener
from xo_cowork_core.host.route_loader import RouteLoader
from xo_cowork_core.host.services import AppState, build_services
from xo_cowork_core.host.settings.checks import check_settings
from xo_cowork_core.host.settings.model import Settings, read_settings
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.services.lifecycle.server_control import ServerControl
from xo_cowork_core.services.secrets.redaction import RedactionFilter, SecretRedactor
from xo_cowork_core.storage.state_folder import StateFolderError, make_state_folder

SHUTDOWN_SECONDS = 6
CLOSE_INTERVAL_SECONDS = 0.1
# longer than clients and proxies keep an idle connection, most for 60 s at most: a request on one
# that the server closes at that moment has no answer
KEEP_ALIVE_SECONDS = 75
WARM_UP_DELAY_SECONDS = 0.2
MAX_OPEN_FILES = 65_536
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# why a server does not start: the text of each is one line for a person
START_ERRORS = (SettingError, StartupError, StateFolderError)
# called with the services, the settings and the base URL once the server listens
OnListening: TypeAlias = Callable[[Services, Settings, str], Coroutine[Any, Any, None]]
log = logging.getLogger("xo_cowork.host")


def serve(on_listening: OnListening) -> int:
    """Serve until a signal; return the exit code. Raises one of `START_ERRORS`."""
    settings = read_settings()
    _configure_logging(settings)
    _raise_file_limit()
    _forbid_core_files()
    # before plugins are created, which may write files into it
    make_state_folder(settings.state_dir)
    inherited = take_inherited_listener(settings)
    listener = inherited or bind_socket(settings.host, settings.port)
    state = build_services(settings, port=listener.getsockname()[1])
    # creating the app imports the plugins; `GracefulServer.startup` enables it again
    gc.disable()
    _redact_logs(state.redactor, settings)
    app = create_app(settings, state, defers_routes=not settings.plugins_strict)
    services = cast("Services", app.state.services)
    for problem in check_settings(settings, services.registry.plugins.values()):
        log.warning("%s", problem.text)
    server = GracefulServer(app, state, settings, on_listening)
    control = services.lifecycle.control
    loop = _new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        serving = _serve(app, server, listener, control)
        _run_until_done(loop, loop.create_task(serving, name="serve"))
    finally:
        is_hanging = loop.run_until_complete(cancel_remaining_tasks())
        # a signal during a restart closes the socket: the server ends then
        if control.is_restarting and listener.fileno() >= 0:
            # tasks and threads that hang end with it
            replace_process(listener, settings)
            os._exit(1)
        listener.close()
        if is_hanging:
            # a task ignores its cancellation: a plugin that hangs must not keep the process
            sys.stdout.flush()
            os._exit(0)
        _ignore_stop_signals(loop)
        loop.close()
    return 0


class GracefulServer(uvicorn.Server):
    """A uvicorn server that ends all turns while it waits for their readers at shutdown.

    Signals are handled by `_serve`. Its tasks "on listening" and "warm up", and at the end "end
    turns" and "close connections", are cancelled or awaited by `shutdown`.
    """

    def __init__(
        self,
        app: FastAPI,
        state: AppState,
        settings: Settings,
        on_listening: OnListening,
    ) -> None:
        super().__init__(_uvicorn_config(app))
        self._routes = cast("RouteLoader", app.state.route_loader)
        self._state = state
        self._services = state.services
        self._settings = settings
        self._on_listening = on_listening
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # everything created so far lives as long as the process: scanning it takes some 60 ms
        gc.freeze()
        gc.enable()
        await super().startup(sockets)
        if sockets:
            listening = self._on_listening(self._services, self._settings, _base_url(sockets[0]))
            self._tasks = [
                asyncio.create_task(listening, name="on listening"),
                asyncio.create_task(self._warm_up(), name="warm up"),
            ]

    async def _warm_up(self) -> None:
        """Load what later requests need, and then begin to send requests."""
        # a client that waits for the start sends its first request within this time
        await asyncio.sleep(WARM_UP_DELAY_SECONDS)
        self._state.exports.start()
        await self._routes.warm_up(tuple(family.name for family in FIRST_FAMILIES))
        await asyncio.to_thread(load_async_backend)
        start_requests(self._state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._services.turns.stop(), name="end turns")
        closing = asyncio.create_task(self._close_connections(), name="close connections")
        for task in self._tasks:
            task.cancel()
        await super().shutdown(sockets)
        closing.cancel()
        await ending

    async def _close_connections(self) -> None:
        """Close each connection after its request, also those that uvicorn's own call left open:
        they were accepted at that moment, and their first request is still to come."""
        while True:
            await asyncio.sleep(CLOSE_INTERVAL_SECONDS)
            for connection in tuple(self.server_state.connections):
                connection.shutdown()

    # uvicorn's own handlers would end the process by the signal instead of exit code 0
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind_socket(host: str, port: int) -> socket.socket:
    """Bind the address without listening on it yet. Raises SettingError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingError(
            f"HOST={host} PORT={port} can't be listened on: {error.strerror}"
        ) from error
    return listener


def _configure_logging(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # libraries log every byte of a stream at DEBUG: the content of chats must not get into a log
    logging.basicConfig(
        level=max(level, logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("xo_cowork").setLevel(level)
    # they log the address of every request, with its query
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _redact_logs(redactor: SecretRedactor, settings: Settings) -> None:
    redactor.add([settings.api_token])
    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactionFilter(redactor))


def _forbid_core_files() -> None:
    """Let neither the server nor its agents write their memory, with keys, into a folder."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _raise_file_limit() -> None:
    """Raise the limit of open files up to `MAX_OPEN_FILES`: every reader of a stream needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(hard, MAX_OPEN_FILES) if hard != resource.RLIM_INFINITY else MAX_OPEN_FILES
    if soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _uvicorn_config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        http=LimitedHttpProtocol,
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _new_event_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415  # commands that do not serve need none

    return uvloop.new_event_loop()


def _run_until_done(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    """Run the loop until `serving` is done. SystemExit in a plugin's task stops the loop, but must
    not stop the server: the loop is started again."""
    while not serving.done():
        try:
            loop.run_until_complete(serving)
        except SystemExit as error:
            if serving.done():
                raise
            log.error("a task of a plugin raised SystemExit", exc_info=error)


def _ignore_stop_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Let a further signal not end the process by the signal instead of exit code 0."""
    for number in STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


async def _serve(
    app: FastAPI, server: GracefulServer, listener: socket.socket, control: ServerControl
) -> None:
    def stop() -> None:
        # refuse connections from now on
        listener.close()
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    # SIGHUP is ignored under nohup: the server must outlive its terminal then
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop)
    async with app.router.lifespan_context(app):
        restarting = asyncio.create_task(_stop_for_restart(server, control), name="restart")
        try:
            # uvicorn closes its socket when it stops; a server that restarts keeps listening
            await server.serve(sockets=[listener.dup()])
        finally:
            restarting.cancel()


async def _stop_for_restart(server: GracefulServer, control: ServerControl) -> None:
    await control.wait_for_restart()
    log.info("restarting")
    server.should_exit = True
