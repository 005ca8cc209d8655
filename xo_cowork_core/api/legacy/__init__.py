"""The route family `legacy`: the older chat routes."""

from xo_cowork_core.api.route_family import RouteFamily

ASK_PATH = "/ask_question"
ASK_STREAMING_PATH = "/ask_question_streaming"
SESSIONS_PATH = "/sessions"
FAMILY = RouteFamily(
    name="legacy",
    description="The older chat routes, over the same turns.",
    package=__name__,
    prefixes=(ASK_PATH, ASK_STREAMING_PATH, SESSIONS_PATH),
)
