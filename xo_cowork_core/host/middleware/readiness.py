"""Answers 503 below the claims of a plugin that isn't ready, before any of its code runs."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from xo_cowork_core.api.errors import error_response
from xo_cowork_core.api.server import PLUGINS_PATH
from xo_cowork_core.host.plugins.routes import is_under
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord

RETRY_SECONDS = 2
STARTING = {"loaded", "starting"}


class ReadinessMiddleware:
    """Checks the plugin that owns the request's path. `claims` maps prefixes to plugins."""

    def __init__(self, app: ASGIApp, claims: Mapping[str, PluginRecord]) -> None:
        self._app = app
        self._claims = claims

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = self._owner(scope["path"]) if scope["type"] in {"http", "websocket"} else None
        if record is None or record.serves:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013, "reason": "not ready"})
        else:
            await error_response(_not_ready(record))(scope, receive, send)

    def _owner(self, path: str) -> PluginRecord | None:
        return next(
            (record for prefix, record in self._claims.items() if is_under(path, prefix)), None
        )


def _not_ready(record: PluginRecord) -> Unavailable:
    if record.state in STARTING:
        return Unavailable(f"The plugin {record.name} is starting.", retry_after=RETRY_SECONDS)
    return Unavailable(f"The plugin {record.name} is {record.state}; {PLUGINS_PATH} says why.")
