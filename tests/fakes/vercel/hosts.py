"""Gives a host the paths that it has at Vercel, so that no client finds an endpoint elsewhere."""

from collections.abc import Sequence

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OnlyPaths:
    """Serves the paths that begin with one of `prefixes`; `others` serves the rest, else 404."""

    def __init__(
        self, app: ASGIApp, prefixes: Sequence[str], *, others: ASGIApp | None = None
    ) -> None:
        self._app = app
        self._prefixes = tuple(prefixes)
        self._others = others or JSONResponse({"error": {"code": "not_found"}}, 404)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app if scope["path"].startswith(self._prefixes) else self._others
        await app(scope, receive, send)
