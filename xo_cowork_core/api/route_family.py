"""What a route family is, and the policy that the middleware applies in front of its routes."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

from fastapi import APIRouter

from xo_cowork_core.api.deferred_router import DeferredRouter

MAX_BODY_BYTES = 32 << 20


class RoutePolicy(NamedTuple):
    """What the middleware does in front of one route. The defaults are the closed ones.

    `public`: served without the API token.
    `token_in_query`: the token may stand in the query, for clients that cannot send headers.
    `idempotent`: `Idempotency-Key` is honoured where the method is a mutating one.
    `max_body_bytes`: a larger body is answered with 413.
    `streams_upload`: the body goes to disk as it comes. The route limits it, and honours
    `Idempotency-Key` itself with `answer_once`, because the middleware would read it first.
    `records_refusals`: a request that is not let in goes into the audit log.
    """

    public: bool = False
    token_in_query: bool = False
    idempotent: bool = True
    max_body_bytes: int = MAX_BODY_BYTES
    streams_upload: bool = False
    records_refusals: bool = False


NO_POLICIES: Mapping[str, RoutePolicy] = MappingProxyType({})


class RouteFamily(NamedTuple):
    """What the host has to know about the routes of one part of the API, without importing them.

    `name` is also the OpenAPI tag. The module `routes` of `package` has the routes, in `router`.
    All of them lie under `prefixes` and `exact_paths`. No plugin can claim a path under
    `prefixes`; `exact_paths` are taken as they are, and plugins may claim what lies below, except
    for the routes of the family with a parameter there, whose paths are `shared_paths`. `policies`
    maps the path of a route, as its decorator gives it, to its policy; other routes have the
    default one.
    """

    name: str
    description: str
    package: str
    prefixes: tuple[str, ...] = ()
    exact_paths: tuple[str, ...] = ()
    shared_paths: tuple[str, ...] = ()
    policies: Mapping[str, RoutePolicy] = NO_POLICIES

    def load_router(self) -> APIRouter:
        """Import the routes. Takes some milliseconds the first time."""
        return import_module(f"{self.package}.routes").router

    def build_router(self) -> DeferredRouter:
        """Return a router for an app that imports the routes when they are first needed."""
        return DeferredRouter(self.prefixes + self.exact_paths, self._add_routes)

    def _add_routes(self, router: APIRouter) -> None:
        # an included router would be one more to search in each request
        router.routes.extend(self.load_router().routes)
