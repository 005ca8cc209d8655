"""Misspells xo_routers as xo_routes."""

from xo_cowork_core.sdk import hookimpl


class Plugin:
    @hookimpl
    def xo_routes(self, context):
        return []


plugin = Plugin()
