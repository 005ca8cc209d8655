"""The route family `identity`: the sign-in of this server at the XO service."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

PREFIX = "/xo-auth"
START_PATH = PREFIX + "/start"
CONSUME_PATH = PREFIX + "/consume"
LOGOUT_PATH = PREFIX + "/logout"
SMALL_BODY = RoutePolicy(max_body_bytes=64 << 10)
FAMILY = RouteFamily(
    name="identity",
    description="The sign-in of this server at the XO service.",
    package=__name__,
    prefixes=(PREFIX,),
    policies={START_PATH: SMALL_BODY, CONSUME_PATH: SMALL_BODY, LOGOUT_PATH: SMALL_BODY},
)
