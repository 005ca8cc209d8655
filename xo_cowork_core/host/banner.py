"""The lines that a person sees when the server is up: where it is, what it has, what to try."""

import socket

from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.api.server.routes import HEALTH_PATH
from xo_cowork_core.host.settings.model import Settings

BROKEN = {"failed", "missing", "incompatible"}


async def greet(services: Services, settings: Settings, listener: socket.socket) -> None:
    """Print them; the address at once, the rest when every runtime has told how it is."""
    host, port = listener.getsockname()[:2]
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    _say(f"listening on {base}")
    ill = False
    for found in services.registry.runtimes():
        health = await services.readiness.of(found)
        ill |= not health.takes_turns
        _say(f"  {found.info.name}: {health.state}{health.detail and '. '}{health.detail}")
    for record in services.registry.plugins.values():
        if record.state in BROKEN:
            _say(f"  plugin {record.name} is {record.state}: {record.error}")
    default = settings.default_runtime
    if default and services.registry.runtime(default) is None:
        _say(f"  the default runtime {default} (AGENT_NAME, DEFAULT_AGENT) is not there")
    if ill:
        _say("xo-cowork doctor says what mends the ones that are not ready")
    _say(f"try: curl {base}{HEALTH_PATH}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
