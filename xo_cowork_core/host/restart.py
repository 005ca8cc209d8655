"""Replaces the server's process by a new one of the same command, with the same pid.

The listening socket is passed on: a client that connects meanwhile waits and is not refused.
"""

import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import xo_cowork_core
from xo_cowork_core.host.settings.model import Settings, read_settings
from xo_cowork_core.host.settings.sources import SettingError
from xo_cowork_core.services.lifecycle.checkout import Checkout
from xo_cowork_core.services.lifecycle.lifecycle_services import LifecycleServices
from xo_cowork_core.services.lifecycle.server_control import ServerControl
from xo_cowork_core.services.lifecycle.updater import Updater

LISTENER_VARIABLE = "XO_INHERITED_LISTENER"
log = logging.getLogger("xo_cowork.host")


def build_lifecycle() -> LifecycleServices:
    """Return the services of restart and update, for the checkout that this code lies in."""
    control = ServerControl(find_restart_problem)
    root = Path(xo_cowork_core.__file__).parents[1]
    return LifecycleServices(control, Updater(Checkout(root), control))


def find_restart_problem() -> str:
    """Return why a server would not start with the settings as they are now. Blocks."""
    try:
        read_settings()
    except SettingError as error:
        return str(error)
    return ""


def take_inherited_listener(settings: Settings) -> socket.socket | None:
    """Return the socket of the process that this one replaces.

    None without one, and where the settings name another address by now.
    """
    descriptor, _, address = os.environ.pop(LISTENER_VARIABLE, "").partition(" ")
    if not descriptor.isdecimal():
        return None
    try:
        listener = socket.socket(fileno=int(descriptor))
    except OSError:
        return None
    listener.set_inheritable(False)
    if address != _address(settings) or not _is_listening(listener):
        listener.close()
        return None
    return listener


def replace_process(listener: socket.socket, settings: Settings) -> None:
    """Start the same command in this process. Returns only when that fails, after logging it."""
    command = [sys.executable, *sys.orig_argv[1:]]
    environment = dict(os.environ)
    with suppress(OSError):
        listener.set_inheritable(True)
        environment[LISTENER_VARIABLE] = f"{listener.fileno()} {_address(settings)}"
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(command[0], command, environment)  # noqa: S606  # the command of this process
    except OSError as error:
        log.error("the server can't be restarted: %s", error.strerror)


def _address(settings: Settings) -> str:
    return f"{settings.host} {settings.port}"


def _is_listening(listener: socket.socket) -> bool:
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
