"""Names, addresses and secrets."""

from xo_cowork_core.sdk import SecretField

NAME = "github"
CLI_PREFIX = "/api/connectors/github/cli"
HOST = "github.com"
API_URL = "https://api.github.com"
MCP_URL = "https://api.githubcopilot.com/mcp/"
CLIENT_ID = "GITHUB_CLIENT_ID"
CLIENT_SECRET = "GITHUB_CLIENT_SECRET"  # noqa: S105 - the name of a key
SECRETS = (
    SecretField(
        CLIENT_ID,
        "GitHub client id",
        "Of a GitHub App or OAuth app of yours with the device flow switched on. People then sign "
        "in with a code, without gh.",
    ),
    SecretField(
        CLIENT_SECRET,
        "GitHub client secret",
        "Of the same app. Only needed to revoke tokens when somebody disconnects.",
    ),
)
