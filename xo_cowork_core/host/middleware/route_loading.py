"""Waits for the routes that a request needs: they are loaded after the start."""

from starlette.types import ASGIApp, Receive, Scope, Send

from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.api.server import PLUGINS_PATH
from xo_cowork_core.host.route_loader import RouteLoader


class RouteLoadingMiddleware:
    """Has the routes of each request loaded; all of them for answers that list routes."""

    def __init__(self, app: ASGIApp, loader: RouteLoader) -> None:
        self._app = app
        self._loader = loader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            path: str = scope["path"]
            await self._loader.prepare(path)
            if path == DOCUMENT_PATH:
                await self._loader.prepare_document()
            elif path.startswith(PLUGINS_PATH):
                # states and routes of plugins
                await self._loader.load_all_async()
        await self._app(scope, receive, send)
