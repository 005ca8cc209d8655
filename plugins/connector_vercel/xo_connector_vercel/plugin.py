"""The hooks of the plugin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xo_connector_vercel.options import (
    CALLBACK_PATH,
    PREFIX,
    REDIRECT_URI,
    RESOURCE_PATH,
)
from xo_cowork_core.sdk import Contributions, HostContext, LazyRouter, PluginRoutePolicy, hookimpl

if TYPE_CHECKING:
    from fastapi import APIRouter

    from xo_cowork_core.sdk.connector import Connector


class VercelPlugin:
    """Hooks only."""

    @hookimpl
    def xo_contributes(self) -> Contributions:
        # a browser that comes back, and an OAuth client that discovers, have no token yet
        public = PluginRoutePolicy(public=True)
        return Contributions(
            prefixes=(PREFIX, CALLBACK_PATH, RESOURCE_PATH),
            settings=(REDIRECT_URI,),
            policies={CALLBACK_PATH: public, RESOURCE_PATH: public},
        )

    @hookimpl
    def xo_connectors(self, context: HostContext) -> "Sequence[Connector]":
        from xo_connector_vercel.connector import Vercel  # noqa: PLC0415 - keeps import cheap

        return [Vercel(context)]

    @hookimpl
    def xo_routers(self, context: HostContext) -> Sequence[LazyRouter]:
        def build() -> "APIRouter":
            from xo_connector_vercel.routes import build_router  # noqa: PLC0415 - as above

            return build_router(context)

        return [LazyRouter(build)]


plugin = VercelPlugin()
