"""The route family `git`: credentials for git in the commands of agents."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.services.git_credentials.git_credentials import CREDENTIAL_PATH

FAMILY = RouteFamily(
    name="git",
    description="Credentials for git, for the agents of running turns.",
    package=__name__,
    prefixes=("/api/git",),
    # the token of a turn's run opens it, and no other token does
    policies={CREDENTIAL_PATH: RoutePolicy(public=True, idempotent=False, max_body_bytes=4096)},
)
