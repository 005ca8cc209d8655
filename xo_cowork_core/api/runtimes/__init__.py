"""The route family `runtimes`: sign-ins of agents, the same for every runtime that has them."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

RUNTIMES_PATH = "/api/runtimes"
SIGN_IN_PATH = RUNTIMES_PATH + "/{name}/sign-in"
FLOW_PATH = SIGN_IN_PATH + "/{flow_id}"
INPUT_PATH = FLOW_PATH + "/input"
SMALL_BODY = RoutePolicy(max_body_bytes=256 << 10)
FAMILY = RouteFamily(
    name="runtimes",
    description="Sign-ins of agents, the same for every runtime that has the ability `logs_in`.",
    package=__name__,
    prefixes=(RUNTIMES_PATH,),
    policies={SIGN_IN_PATH: SMALL_BODY, INPUT_PATH: SMALL_BODY},
)
