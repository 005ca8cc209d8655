"""Who owns which paths. FastAPI lets the first of two equal routes win in silence; here the
second plugin is refused."""

import re
from collections.abc import Iterable, Sequence

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute

from xo_cowork_core.api.families import claimed_paths, claimed_prefixes
from xo_cowork_core.host.plugins.hook_caller import PluginFault

CORE = "the core"
SEGMENT = re.compile(r"/[A-Za-z0-9._~-]+")

RouteKey = tuple[str, str]


class RouteRegistry:
    """All claims of one app, the core's first."""

    def __init__(self, core_routes: Sequence[BaseRoute]) -> None:
        self.prefixes: dict[str, str] = dict.fromkeys(claimed_prefixes(), CORE)
        self._shapes: dict[RouteKey, str] = dict.fromkeys(shapes(core_routes), CORE)

    def check(self, prefixes: Sequence[str]) -> None:
        """Raise PluginFault when a prefix is malformed or overlaps what somebody has."""
        for prefix in prefixes:
            if not re.fullmatch(f"({SEGMENT.pattern})+", prefix):
                raise PluginFault(f"it claims {prefix!r}, which is no plain path like /api/acme")
            if prefix in claimed_paths():
                raise PluginFault(f"it claims {prefix}, which is {CORE}'s")
            for taken, owner in self.prefixes.items():
                if under(prefix, taken) or under(taken, prefix):
                    raise PluginFault(f"it claims {prefix}, which overlaps {taken} of {owner}")

    def check_routes(self, prefixes: Sequence[str], routers: Iterable[APIRouter]) -> list[RouteKey]:
        """Return the shapes of a plugin's routes; raise PluginFault for one that may not be."""
        found: list[RouteKey] = []
        for router in routers:
            _check_router(router)
            found.extend(shapes(router.routes))
        for method, path in found:
            if not any(under(path, prefix) for prefix in prefixes):
                raise PluginFault(f"its route {method} {path} lies outside its claims")
            if owner := self._shapes.get((method, path)):
                raise PluginFault(f"its route {method} {path} is {owner}'s already")
            if found.count((method, path)) > 1:
                raise PluginFault(f"it has the route {method} {path} twice")
        return found

    def add(self, owner: str, prefixes: Sequence[str], routes: Iterable[RouteKey]) -> None:
        """Write down what was checked."""
        self.prefixes.update(dict.fromkeys(prefixes, owner))
        self._shapes.update(dict.fromkeys(routes, owner))


def under(path: str, prefix: str) -> bool:
    """Say whether `path` is `prefix` or below it, by whole segments."""
    return path == prefix or path.startswith(prefix + "/")


def shapes(routes: Sequence[BaseRoute]) -> list[RouteKey]:
    """List method and path of each route, with every parameter written `{}`."""
    # app.routes holds included routers, not their routes: only iter_route_contexts sees through
    found: list[RouteKey] = []
    for context in iter_route_contexts(routes):
        if context.path is None:
            raise PluginFault(f"its route {context.original_route!r} has no path to check")
        path = re.sub(r"\{[^}]*\}", "{}", context.path)
        found.extend((method, path) for method in _methods(context.original_route, context.methods))
    return found


def _methods(route: BaseRoute, methods: set[str] | None) -> list[str]:
    if isinstance(route, WebSocketRoute):
        return ["WEBSOCKET"]
    if isinstance(route, Mount):
        return ["MOUNT"]
    # Starlette adds HEAD to each GET: it never clashes alone
    return sorted((methods or {"ANY"}) - {"HEAD"})


def _check_router(router: APIRouter) -> None:
    # include_router would run these in the host's own task
    usual = type(APIRouter().lifespan_context)
    if type(router.lifespan_context) is not usual or router.on_startup or router.on_shutdown:
        raise PluginFault("its router brings start or stop handlers: use xo_lifespan")
