"""The name of the connector, its setting and its routes."""

from xo_cowork_core.sdk import Setting

NAME = "vercel"
# the ids of the ways to sign in
OAUTH = "oauth"
API_TOKEN = "api_token"  # noqa: S105  # an id
METHODS = frozenset({OAUTH, API_TOKEN})
REDIRECT_URI = Setting(
    "VERCEL_OAUTH_REDIRECT_URI",
    "Where browsers come back to from Vercel; clients may name this URI or one on their machine.",
    kind="url",
)
PREFIX = f"/api/connectors/{NAME}/oauth"
START_PATH = PREFIX + "/start"
EXCHANGE_PATH = PREFIX + "/exchange"
CALLBACK_PATH = "/callback"
RESOURCE_PATH = "/.well-known/oauth-protected-resource"
