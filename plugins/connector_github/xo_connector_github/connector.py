"""GitHub: its ways to sign in, its accounts, and what agents get of a connection."""

import asyncio
import base64
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from xo_connector_github.exports import FILES, export_sections, import_sections
from xo_connector_github.options import API_URL, CLIENT_ID, CLIENT_SECRET, HOST, MCP_URL, NAME
from xo_connector_github.sign_in import DEVICE, GH, TOKEN
from xo_cowork_core.sdk import HostContext, JsonValue, Turn, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.connector import (
    Account,
    Connector,
    ConnectorInfo,
    ExportedConnection,
    ExportsConnections,
    FileSection,
    GitCredential,
    ImportedConnection,
    ImportsConnections,
    McpEndpoint,
    ProvidesGitCredentials,
    ProvidesMcpServer,
    ProvidesRawTokens,
    Revokes,
    SignInMethod,
    TokenSet,
    read_account,
    request_account,
)

HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "xo-cowork",
}
# the person's own, which other programs may use too
OWN_TOKENS = ("ghp_", "github_pat_")


class GitHubConnector(
    Connector,
    Revokes,
    ProvidesMcpServer,
    ProvidesGitCredentials,
    ProvidesRawTokens,
    ExportsConnections,
    ImportsConnections,
):
    """github.com."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo(NAME, "GitHub")

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        """Return the device flow if there is a client id, gh if it is installed, and a key."""
        methods: list[SignInMethod] = [TOKEN]
        if self._context.paths.binary("gh") is not None:
            methods.insert(0, GH)
        if self._secret(CLIENT_ID):
            methods.insert(0, DEVICE)
        return methods

    async def identify(self, tokens: TokenSet) -> Account:
        """Return the account, with the scopes of a token that has some: not a fine-grained one."""
        response = await request_account(
            self._context.http, f"{API_URL}/user", tokens, headers=HEADERS
        )
        user = read_account(response)
        if not isinstance(user.get("id"), int):
            raise UpstreamFailed("GitHub sent an account without an id.")
        scopes = response.headers.get("x-oauth-scopes", "").split(",")
        return Account(
            str(user["id"]),
            username=_text(user, "login"),
            name=_text(user, "name"),
            email=_text(user, "email"),
            avatar_url=_text(user, "avatar_url"),
            scopes=tuple(scope.strip() for scope in scopes if scope.strip()),
        )

    async def revoke(self, tokens: TokenSet) -> None:
        """Revoke a token that the app of the device flow got; pasted ones stay valid."""
        token = tokens.access_token.get_secret_value()
        client_id = await asyncio.to_thread(self._secret, CLIENT_ID)
        client_secret = await asyncio.to_thread(self._secret, CLIENT_SECRET)
        if not client_id or not client_secret or token.startswith(OWN_TOKENS):
            return
        credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        answer = await self._context.http.request(
            "DELETE",
            f"{API_URL}/applications/{client_id}/token",
            headers={**HEADERS, "Authorization": SecretStr(f"Basic {credentials}")},
            json={"access_token": token},
        )
        # 404 and 422: a token of another app, such as gh, or one that is invalid by now
        if answer.status not in {204, 404, 422}:
            raise UpstreamFailed(f"GitHub answered with status {answer.status}.")

    def mcp_server(self) -> McpEndpoint:
        return McpEndpoint(MCP_URL)

    def git_hosts(self) -> Sequence[str]:
        return (HOST,)

    def git_credential(self, tokens: TokenSet) -> GitCredential:
        return GitCredential("x-access-token", tokens.access_token)

    def raw_token_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        # gh reads the first, most other programs the second
        return dict.fromkeys(("GH_TOKEN", "GITHUB_TOKEN"), tokens.access_token)

    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        return export_sections(connections)

    def imported_files(self) -> Sequence[str]:
        return FILES

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        return import_sections(sections)

    def _secret(self, key: str) -> str:
        try:
            secret = self._context.secrets.environment().get(key)
        except Unavailable:
            # an unreadable file must not take the other ways to sign in away
            return ""
        return secret.get_secret_value().strip() if secret else ""


def _text(user: Mapping[str, JsonValue], key: str) -> str:
    value = user.get(key)
    return value if isinstance(value, str) else ""
