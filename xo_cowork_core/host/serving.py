"""Run one app until it is told to stop: sockets, signals, the event loop."""

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
from functools import partial
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.host.app import create_app
from xo_cowork_core.host.banner import greet
from xo_cowork_core.host.middleware.protocol_limits import LimitedHttpProtocol
from xo_cowork_core.host.plugins.registrar import StartRefused
from xo_cowork_core.host.settings.checks import check_settings
from xo_cowork_core.host.settings.model import Settings, read_settings
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.storage.locks import StateFolderError, state_folder

GRACE_SECONDS = 6
LEFTOVER_SECONDS = 1.0
OPEN_FILES = 65_536
log = logging.getLogger("xo_cowork.host")
# why a server does not start: each is one line for a person
REFUSALS = (SettingError, StartRefused, StateFolderError)


def serve() -> int:
    """Serve until a signal ends it; return the exit code. Raises one of `REFUSALS`."""
    settings = read_settings()
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # libraries log every byte of a stream at DEBUG: what is said in chats never gets into a log
    logging.basicConfig(
        level=max(level, logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("xo_cowork").setLevel(level)
    return _run(settings)


def _run(settings: Settings) -> int:
    _raise_file_limit()
    # before plugins are made, which may put files of their own into it
    state_folder(settings.state_dir)
    listener = bind(settings.host, settings.port)
    app = create_app(settings)
    services = cast("Services", app.state.services)
    for flaw in check_settings(settings, services.registry.plugins.values()):
        log.warning("%s", flaw.text)
    loop = _new_loop()
    asyncio.set_event_loop(loop)
    try:
        _run_through(loop, loop.create_task(_serve(app, listener, settings), name="serve"))
    finally:
        listener.close()
        if loop.run_until_complete(_end_tasks()):
            # something ignores its cancellation: a plugin that hangs must not keep the process
            sys.stdout.flush()
            os._exit(0)
        loop.close()
    return 0


def _raise_file_limit() -> None:
    """Readers are files: take as many as the system allows, up to a bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, OPEN_FILES) if hard != resource.RLIM_INFINITY else OPEN_FILES
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _run_through(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    """Run until `serving` ends. A SystemExit in some task of a plugin breaks out of the loop, not
    out of the server: the loop is run on."""
    while not serving.done():
        try:
            loop.run_until_complete(serving)
        except SystemExit as error:
            if serving.done():
                raise
            log.error("a task of a plugin raised SystemExit", exc_info=error)


def bind(host: str, port: int) -> socket.socket:
    """Take the port, before anything is started; it opens only when the server listens."""
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


class Server(uvicorn.Server):
    """uvicorn that leaves signals alone, and ends turns while it waits for their readers."""

    def __init__(
        self, config: uvicorn.Config, turns: Turns, greet: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        super().__init__(config)
        self._turns = turns
        self._greet = greet
        self._greeting: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # what was made so far stays: to look through it for garbage holds all up for some 60 ms
        gc.freeze()
        await super().startup(sockets)
        self._greeting = asyncio.create_task(self._greet(), name="greeting")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._turns.stop(), name="end turns")
        if self._greeting:
            self._greeting.cancel()
        await super().shutdown(sockets)
        await ending

    # its own handler would end the process by the signal, not by exit code 0
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(app: FastAPI, listener: socket.socket, settings: Settings) -> None:
    services = cast("Services", app.state.services)
    server = Server(
        uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            http=LimitedHttpProtocol,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        ),
        services.turns,
        partial(greet, services, settings, listener),
    )

    def stop() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    # ignored under nohup: then the server is to outlive its terminal
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, stop)
    async with app.router.lifespan_context(app):
        await server.serve(sockets=[listener])


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop()


async def _end_tasks() -> bool:
    """Cancel what is left; True when some of it does not end."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if not left:
        return False
    _, pending = await asyncio.wait(left, timeout=LEFTOVER_SECONDS)
    return bool(pending)
