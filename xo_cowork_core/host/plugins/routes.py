"""The owner of each path prefix and route. FastAPI silently serves the first of two
equal routes; here the plugin with the second is refused."""

import json
import re
from collections.abc import Collection, Iterable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute, compile_path

from xo_cowork_core.api.connectors.routes import CONNECTORS_PATH
from xo_cowork_core.api.families import claimed_paths, claimed_prefixes
from xo_cowork_core.api.openapi import install_openapi, operation_id
from xo_cowork_core.services.runtimes.plugin_record import PluginError, describe_exception

CORE = "the core"
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
PARAMETER = re.compile(r"\{[^}]*\}")
# stands for any value of a parameter; no route of the core has it as a fixed part
SAMPLE = "x-any-x"

RouteKey = tuple[str, str]


class RouteRegistry:
    """The claimed prefixes and the routes of one app, the core's first."""

    def __init__(self, core_routes: Sequence[BaseRoute]) -> None:
        self._prefixes: dict[str, str] = dict.fromkeys(claimed_prefixes(), CORE)
        self._routes: dict[RouteKey, str] = dict.fromkeys(list_route_keys(core_routes), CORE)
        self._core_patterns = _list_patterns(core_routes)

    def check_claims(self, prefixes: Sequence[str]) -> None:
        """Raise PluginError when a prefix is malformed or overlaps one that is taken."""
        for prefix in prefixes:
            if not PREFIX.fullmatch(prefix):
                raise PluginError(f"it claims {prefix!r}, which is no plain path like /api/acme")
            if prefix in claimed_paths():
                raise PluginError(f"it claims {prefix}, which is {CORE}'s")
            for taken, owner in self._prefixes.items():
                if is_under(prefix, taken) or is_under(taken, prefix):
                    raise PluginError(f"it claims {prefix}, which overlaps {taken} of {owner}")

    def check_routes(self, prefixes: Sequence[str], routers: Iterable[APIRouter]) -> list[RouteKey]:
        """Return the keys of a plugin's routes.

        Raises PluginError for a route outside the claims, one that is taken or that a core route
        hides, and one that occurs twice.
        """
        keys: list[RouteKey] = []
        for router in routers:
            _check_router(router)
            keys.extend(list_route_keys(router.routes))
        for method, path in keys:
            if not any(is_under(path, prefix) for prefix in prefixes):
                raise PluginError(f"its route {method} {path} lies outside its claims")
            if owner := self._routes.get((method, path)):
                raise PluginError(f"its route {method} {path} is {owner}'s already")
            if hiding := self._find_hiding(method, path):
                raise PluginError(f"its route {method} {path} is hidden by {hiding} of {CORE}")
            if keys.count((method, path)) > 1:
                raise PluginError(f"it has the route {method} {path} twice")
        return keys

    def check_connector_claims(self, prefixes: Sequence[str], connectors: Collection[str]) -> None:
        """Raise PluginError for a claim on the routes of a connector that is not the plugin's."""
        for prefix in prefixes:
            if is_under(prefix, CONNECTORS_PATH):
                name = prefix.removeprefix(CONNECTORS_PATH).split("/")[1]
                if name not in connectors:
                    raise PluginError(
                        f"it claims {prefix}, but has no connector {name}: xo_connectors returns "
                        "the connectors of a plugin"
                    )

    def add(self, owner: str, prefixes: Sequence[str], routes: Iterable[RouteKey]) -> None:
        """Add claims and routes that were checked."""
        self._prefixes.update(dict.fromkeys(prefixes, owner))
        self._routes.update(dict.fromkeys(routes, owner))

    def _find_hiding(self, method: str, path: str) -> str | None:
        """Return the core route that would be served instead of a plugin's."""
        sample = path.replace("{}", SAMPLE)
        return next(
            (
                f"{method} {core_path}"
                for core_method, core_path, pattern in self._core_patterns
                if method == core_method and pattern.match(sample)
            ),
            None,
        )


def check_schemas(plugin: str, routers: Sequence[APIRouter]) -> None:
    """Raise PluginError when the OpenAPI document can't be made of a plugin's routes: the document
    of the server holds them all."""
    if not routers:
        return
    try:
        probe = FastAPI(generate_unique_id_function=operation_id)
        install_openapi(probe)
        for router in routers:
            probe.include_router(router, tags=[plugin])
        json.dumps(probe.openapi(), allow_nan=False).encode()
    except Exception as error:
        raise PluginError(
            f"its routes can't be described in OpenAPI, {describe_exception(error)}: give each"
            " route a pydantic model as its response, or response_model=None"
        ) from error


def is_under(path: str, prefix: str) -> bool:
    """Return whether `path` is `prefix` or below it, by whole segments."""
    return path == prefix or path.startswith(prefix + "/")


def list_route_keys(routes: Sequence[BaseRoute]) -> list[RouteKey]:
    """Return method and path of each route, with every parameter written as `{}`."""
    # app.routes holds included routers, not their routes: only iter_route_contexts sees through
    keys: list[RouteKey] = []
    for context in iter_route_contexts(routes):
        if context.path is None:
            raise PluginError(f"its route {context.original_route!r} has no path to check")
        path = PARAMETER.sub("{}", context.path)
        keys.extend((method, path) for method in _methods_of(context))
    return keys


def _list_patterns(routes: Sequence[BaseRoute]) -> list[tuple[str, str, re.Pattern[str]]]:
    """Return method, path and pattern of each route with a parameter."""
    return [
        (method, context.path, compile_path(context.path)[0])
        for context in iter_route_contexts(routes)
        if context.path and "{" in context.path
        for method in _methods_of(context)
    ]


def _methods_of(context: RouteContext) -> list[str]:
    if isinstance(context.original_route, WebSocketRoute):
        return ["WEBSOCKET"]
    if isinstance(context.original_route, Mount):
        return ["MOUNT"]
    # Starlette adds HEAD to each GET: it never clashes alone
    return sorted((context.methods or {"ANY"}) - {"HEAD"})


def _check_router(router: APIRouter) -> None:
    # include_router would run these handlers in the host's own task
    default_type = type(APIRouter().lifespan_context)
    has_lifespan = type(router.lifespan_context) is not default_type
    if has_lifespan or router.on_startup or router.on_shutdown:
        raise PluginError("its router brings start or stop handlers: use xo_lifespan")
