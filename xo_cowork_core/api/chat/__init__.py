"""The route family `chat`: prompts, turns and their event streams."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

STREAM_PATH = "/api/chat/stream/{stream_id}"
FAMILY = RouteFamily(
    name="chat",
    description="Prompts, turns and their event streams.",
    package=__name__,
    prefixes=("/api/chat",),
    # browsers cannot send headers with an EventSource; reading a stream by POST changes nothing
    policies={STREAM_PATH: RoutePolicy(token_in_query=True, idempotent=False)},
)
