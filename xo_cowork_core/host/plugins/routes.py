"""The owner of each path prefix, and the checks of a plugin's routes. FastAPI silently serves the
first of two equal routes; here the plugin with the second is refused."""

import json
import re
from collections.abc import Collection, Iterable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount, WebSocketRoute, compile_path

from xo_cowork_core.api.connectors import CONNECTORS_PATH
from xo_cowork_core.api.families import claimed_paths, claimed_prefixes
from xo_cowork_core.api.openapi import make_document
from xo_cowork_core.api.route_family import RouteFamily
from xo_cowork_core.sdk import Contributions
from xo_cowork_core.services.runtimes.plugin_record import PluginError, describe_exception

CORE = "the core"
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
PARAMETER = re.compile(r"\{[^}]*\}")
# stands for any value of a parameter; no route of the core has it as a fixed part
SAMPLE = "x-any-x"

RouteKey = tuple[str, str]


class RouteRegistry:
    """The claimed prefixes of one app, the core's first. Claims don't overlap: a route under them
    can clash only with those of a family that shares a path with plugins."""

    def __init__(self, families: Sequence[RouteFamily]) -> None:
        self._families = families
        self._shared_paths = [path for family in families for path in family.shared_paths]
        self._prefixes: dict[str, str] = dict.fromkeys(claimed_prefixes(), CORE)

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

    def check_policies(self, contributions: Contributions) -> None:
        """Raise PluginError for a policy outside the claims or that holds for a core route too."""
        for path in contributions.policies:
            if not any(is_under(path, prefix) for prefix in contributions.prefixes):
                raise PluginError(f"its policy for {path} lies outside its claims")
            for core_path in self._shared_paths:
                if overlap(path, core_path):
                    raise PluginError(f"its policy for {path} holds for {core_path} of {CORE} too")

    def check_routes(self, prefixes: Sequence[str], routers: Iterable[APIRouter]) -> list[RouteKey]:
        """Return the keys of a plugin's routes.

        Raises PluginError for a route outside the claims, one that is the core's or that a core
        route hides, and one that occurs twice.
        """
        core_routes = self._routes_beside(prefixes)
        core_keys = set(list_route_keys(core_routes))
        core_patterns = _list_patterns(core_routes)
        keys: list[RouteKey] = []
        for router in routers:
            _check_router(router)
            keys.extend(list_route_keys(router.routes))
        for method, path in keys:
            if not any(is_under(path, prefix) for prefix in prefixes):
                raise PluginError(f"its route {method} {path} lies outside its claims")
            if (method, path) in core_keys:
                raise PluginError(f"its route {method} {path} is {CORE}'s already")
            if hiding := _find_hiding(core_patterns, method, path):
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

    def add(self, owner: str, prefixes: Sequence[str]) -> None:
        """Add claims that were checked."""
        self._prefixes.update(dict.fromkeys(prefixes, owner))

    def _routes_beside(self, prefixes: Sequence[str]) -> list[BaseRoute]:
        """Return the routes of the families that share a path with these claims."""
        return [
            route
            for family in self._families
            if any(is_under(prefix, path) for prefix in prefixes for path in family.exact_paths)
            for route in family.load_router().routes
        ]


def check_policies_have_routes(policies: Iterable[str], routes: Collection[RouteKey]) -> None:
    """Raise PluginError for a policy whose path is that of no route: a mistyped path."""
    paths = {path for _, path in routes}
    for path in policies:
        if PARAMETER.sub("{}", path) not in paths:
            raise PluginError(f"its policy for {path} belongs to no route of its own")


def check_schemas(routers: Sequence[APIRouter]) -> None:
    """Raise PluginError when the OpenAPI document can't be made of a plugin's routes: the document
    of the server holds them all."""
    try:
        # not of an app, for which FastAPI builds each route once more: half of the work
        _check_json(make_document([route for router in routers for route in router.routes]))
    except Exception as error:
        raise PluginError(
            f"its routes can't be described in OpenAPI, {describe_exception(error)}: give each"
            " route a pydantic model as its response, or response_model=None"
        ) from error


def check_document(app: FastAPI) -> None:
    """Make the OpenAPI document of an app; raise what prevents that, or that it is sent as JSON."""
    _check_json(app.openapi())


def _check_json(document: object) -> None:
    json.dumps(document, allow_nan=False).encode()


def is_under(path: str, prefix: str) -> bool:
    """Return whether `path` is `prefix` or below it, by whole segments."""
    return path == prefix or path.startswith(prefix + "/")


def overlap(first: str, second: str) -> bool:
    """Return whether one request path may match both paths of routes."""
    for one, other in zip(first.split("/"), second.split("/"), strict=False):
        if ":path}" in one or ":path}" in other:
            return True
        if one != other and "{" not in one and "{" not in other:
            return False
    return first.count("/") == second.count("/")


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


def _find_hiding(
    core_patterns: Sequence[tuple[str, str, re.Pattern[str]]], method: str, path: str
) -> str | None:
    """Return the core route that would be served instead of a plugin's."""
    sample = path.replace("{}", SAMPLE)
    return next(
        (
            f"{method} {core_path}"
            for core_method, core_path, pattern in core_patterns
            if method == core_method and pattern.match(sample)
        ),
        None,
    )


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
