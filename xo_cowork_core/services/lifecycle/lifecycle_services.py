"""The services of the server's life cycle that routes call."""

from typing import NamedTuple

from xo_cowork_core.services.lifecycle.server_control import ServerControl
from xo_cowork_core.services.lifecycle.updater import Updater


class LifecycleServices(NamedTuple):
    """Restart and update of one server."""

    control: ServerControl
    updater: Updater
