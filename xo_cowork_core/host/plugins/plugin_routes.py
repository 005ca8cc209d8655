"""The routes of one plugin: built, checked and recorded."""

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import APIRouter

from xo_cowork_core.host.plugins.hook_caller import HookCaller
from xo_cowork_core.host.plugins.routes import (
    RouteRegistry,
    check_policies_have_routes,
    check_schemas,
)
from xo_cowork_core.sdk import LazyRouter


class PluginRoutes(NamedTuple):
    """The routers that a plugin's hook returned.

    Without `checks_schemas` it is seen in the OpenAPI document whether they can be described.
    """

    hooks: HookCaller
    registry: RouteRegistry
    routers: Sequence[APIRouter | LazyRouter]
    checks_schemas: bool

    def add_to(self, router: APIRouter) -> None:
        """Build lazy routers, check the routes, record and include them. Blocks.

        A failed plugin gets none. Raises PluginError.
        """
        if self.hooks.record.state != "failed":
            for each in self._build():
                router.include_router(each)

    def _build(self) -> list[APIRouter]:
        record = self.hooks.record
        routers = [self.hooks.build_router(router) for router in self.routers]
        routes = self.registry.check_routes(record.contributions.prefixes, routers)
        check_policies_have_routes(record.contributions.policies, routes)
        if self.checks_schemas:
            check_schemas(routers)
        record.set_routes([f"{method} {path}" for method, path in routes])
        return routers
