"""The route family `usage`: tokens, costs and response times."""

from xo_cowork_core.api.route_family import RouteFamily

USAGE_PATH = "/api/usage"
PREFIXES = (USAGE_PATH, "/openclaw/usage")
FAMILY = RouteFamily(
    name="usage",
    description="Tokens, costs and response times.",
    package=__name__,
    prefixes=PREFIXES,
)
