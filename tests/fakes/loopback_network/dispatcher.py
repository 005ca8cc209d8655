"""The ASGI app that hands each request to the app of its host."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class HostDispatcher:
    """Dispatches by the `Host` header. `errors` has what apps raised, and hosts without an app."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self.errors: list[str] = []
        self.hosts = tuple(apps)
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = _host_of(scope)
        app = self._apps.get(host)
        if app is None:
            self.errors.append(f"a request for the host {host!r} came to another one")
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body"})
            return
        try:
            await app(scope, receive, send)
        except Exception as error:
            self.errors.append(f"{host}{scope['path']}: {error!r}")
            raise


def _host_of(scope: Scope) -> str:
    value = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return value.removesuffix(":443").lower()
