"""The route family `server`: health, metrics and plugins of the server."""

from xo_cowork_core.api.openapi import DOCUMENT_PATH
from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

HEALTH_PATH = "/health"
METRICS_PATH = "/metrics"
PLUGINS_PATH = "/api/plugins"
FAMILY = RouteFamily(
    name="server",
    description="The server itself: its health, its metrics, its plugins.",
    package=__name__,
    prefixes=(HEALTH_PATH, METRICS_PATH, DOCUMENT_PATH, PLUGINS_PATH),
    exact_paths=("/",),
    # probes of container platforms and load balancers carry no token
    policies={HEALTH_PATH: RoutePolicy(public=True)},
)
