"""The public origin that a trusted proxy reports in `X-Forwarded-Host` and `X-Forwarded-Proto`."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from xo_cowork_core.host.middleware.origins import normal_origin
from xo_cowork_core.services.public_address import PublicAddress


class ForwardedMiddleware:
    """Builds public URLs of a request from its proxy's headers. Only behind a trusted proxy."""

    def __init__(self, app: ASGIApp, address: PublicAddress) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = forwarded_origin(Headers(scope=scope)) if scope["type"] == "http" else ""
        if not origin:
            await self._app(scope, receive, send)
            return
        with self._address.forwarded(origin):
            await self._app(scope, receive, send)


def forwarded_origin(headers: Headers) -> str:
    """Return the forwarded origin; "" for none, an invalid one, and one from several proxies."""
    hosts = headers.getlist("x-forwarded-host")
    schemes = headers.getlist("x-forwarded-proto")
    if len(hosts) != 1 or len(schemes) != 1 or schemes[0].lower() not in {"http", "https"}:
        return ""
    return "" if "," in hosts[0] else normal_origin(f"{schemes[0]}://{hosts[0]}")
