from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.services.mcp.run_servers import MCP_PATH

SERVER_PATH = MCP_PATH + "/{connector}"
MAX_BODY_BYTES = 16 << 20
FAMILY = RouteFamily(
    name="mcp",
    description="MCP servers of connectors, for the agents of running turns.",
    package=__name__,
    prefixes=(MCP_PATH,),
    # the token of a turn's run opens these routes, and no other token does
    policies={
        SERVER_PATH: RoutePolicy(public=True, idempotent=False, max_body_bytes=MAX_BODY_BYTES)
    },
)
