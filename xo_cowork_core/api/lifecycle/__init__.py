"""The route family `lifecycle`: restart, update, and which credentials the server has."""

from xo_cowork_core.api.route_family import RouteFamily

APP_PREFIX = "/app"
DEBUG_PREFIX = "/debug"
FAMILY = RouteFamily(
    name="lifecycle",
    description="Restart and update of the server, and which credentials it has.",
    package=__name__,
    prefixes=(APP_PREFIX, DEBUG_PREFIX),
)
