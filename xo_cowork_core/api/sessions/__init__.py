"""The route family `sessions`: sessions, their messages and the search in both."""

from xo_cowork_core.api.route_family import RouteFamily

SESSIONS_PATH = "/api/sessions"
SESSION_PATH = "/api/sessions/{session_id}"
INDEX_PATH = "/api/fts/index/{workspace:path}"
FAMILY = RouteFamily(
    name="sessions",
    description="Sessions of all runtimes, their messages and the search in both.",
    package=__name__,
    prefixes=(SESSIONS_PATH, "/api/messages", "/api/fts"),
)
