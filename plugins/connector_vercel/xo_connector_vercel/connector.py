"""Vercel: its ways to sign in, whose account it is, its MCP server, its section of exports."""

from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from xo_connector_vercel import exports
from xo_connector_vercel.options import API_TOKEN, NAME, OAUTH
from xo_cowork_core.sdk import HostContext, Turn, Unauthorized
from xo_cowork_core.sdk.connector import (
    Account,
    ApiKey,
    AuthorizationCode,
    Connector,
    ConnectorInfo,
    ExportedConnection,
    ExportsConnections,
    FileSection,
    ImportedConnection,
    ImportsConnections,
    McpEndpoint,
    OAuthClient,
    OAuthServer,
    ProvidesMcpServer,
    ProvidesRawTokens,
    SignInMethod,
    TokenSet,
)

TITLE = "Vercel"
# what Vercel's own command line reads
TOKEN_ENTRY = "VERCEL_TOKEN"  # noqa: S105  # the name of an entry
MCP_URL = "https://mcp.vercel.com"
USERINFO_URL = "https://api.vercel.com/login/oauth/userinfo"
ISSUER = "https://vercel.com"
SCOPES = ("openid", "email", "profile", "offline_access")
# the endpoints are those of its metadata; these stand in while that can't be read
SERVER = OAuthServer(
    resource=MCP_URL,
    authorization_endpoint=f"{ISSUER}/oauth/authorize",
    token_endpoint="https://api.vercel.com/login/oauth/token",  # noqa: S106  # an address
    registration_endpoint="https://api.vercel.com/login/oauth/register",
    revocation_endpoint="https://api.vercel.com/login/oauth/token/revoke",
)


class Vercel(
    Connector, ProvidesMcpServer, ProvidesRawTokens, ExportsConnections, ImportsConnections
):
    """The connector `vercel`."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo(NAME, TITLE)

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return [
            AuthorizationCode(
                SERVER,
                OAuthClient(register=True),
                SCOPES,
                id=OAUTH,
                title="Sign in with Vercel",
            ),
            ApiKey(
                id=API_TOKEN,
                title="Paste an access token",
                help="Create one at https://vercel.com/account/settings/tokens",
                pattern=r"[\x21-\x7e]{16,512}",
            ),
        ]

    async def identify(self, tokens: TokenSet) -> Account:
        # not needed at the start
        from xo_connector_vercel.accounts import fetch_user  # noqa: PLC0415
        from xo_cowork_core.sdk.connector import mcp_access, openid  # noqa: PLC0415

        http = self._context.http
        if not is_oauth(tokens):
            return await fetch_user(http, tokens)
        try:
            return await openid.fetch_userinfo(http, USERINFO_URL, tokens)
        except Unauthorized:
            # tokens of the MCP server may be refused by the API
            await mcp_access.check_mcp_access(http, MCP_URL, tokens)
            return openid.account_of_id_token(tokens)

    def mcp_server(self) -> McpEndpoint | None:
        """Return Vercel's MCP server, which takes no access tokens that people create."""
        status = self._context.connections.status(NAME)
        return None if status.method == API_TOKEN else McpEndpoint(MCP_URL)

    def raw_token_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        return {TOKEN_ENTRY: tokens.access_token}

    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        return exports.export_sections(connections)

    def imported_files(self) -> Sequence[str]:
        return (exports.FILE,)

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        return exports.import_sections(sections)


def is_oauth(tokens: TokenSet) -> bool:
    """Return whether tokens are those of a sign-in and not an access token that was pasted."""
    return bool(tokens.refresh_token or tokens.expires_at or tokens.scopes or tokens.extra)
