"""The route family `agents`: agents, models, channels and the gateway."""

from xo_cowork_core.api.route_family import RouteFamily

AGENTS_PATH = "/api/agents"
MODELS_PATH = "/api/models"
CHANNELS_PATH = "/api/channels"
ADD_CHANNEL_PATH = "/api/channels/add"
FAMILY = RouteFamily(
    name="agents",
    description="Agents, models, channels and the gateway of the runtimes.",
    package=__name__,
    prefixes=(
        AGENTS_PATH,
        MODELS_PATH,
        ADD_CHANNEL_PATH,
        "/models",
        "/channels",
        "/providers",
        "/gateway",
    ),
    # a plugin may serve the routes of one channel below it
    exact_paths=(CHANNELS_PATH,),
)
