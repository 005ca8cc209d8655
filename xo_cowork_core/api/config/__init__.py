"""The route family `config`: settings of the workspace, skills and tools of its runtimes."""

from xo_cowork_core.api.route_family import RouteFamily

WORKSPACE_PATH = "/api/config/workspace"
AGENTS_PATH = "/api/config/agents"
NAMED_PATH = "/api/config/openclaw"
SKILLS_PATH = "/api/skills"
TOOLS_PATH = "/api/tools"
AUTOMATIONS_PATH = "/api/automations"
FAMILY = RouteFamily(
    name="config",
    description="Settings of the workspace, and the skills and tools of its runtimes.",
    package=__name__,
    prefixes=(
        WORKSPACE_PATH,
        AGENTS_PATH,
        NAMED_PATH,
        SKILLS_PATH,
        TOOLS_PATH,
        "/api/mcp",
        AUTOMATIONS_PATH,
    ),
)
