"""The route family `projects`: projects, their todos, timeline, usage and memory."""

from xo_cowork_core.api.route_family import RouteFamily

PROJECTS_PATH = "/api/xo-projects"
MEMORY_PATH = "/api/workspace-memory"
FAMILY = RouteFamily(
    name="projects",
    description="Projects: their files, todos, timeline, usage and memory.",
    package=__name__,
    prefixes=(PROJECTS_PATH, MEMORY_PATH),
)
