"""A connector that exports its connections to three files, and imports them from there."""

import threading
from collections.abc import Sequence

from pydantic import SecretStr

from xo_cowork_core.sdk import HostContext, Unauthorized, hookimpl
from xo_cowork_core.sdk.connector import (
    Account,
    ApiKey,
    Connector,
    ConnectorInfo,
    ExportedConnection,
    ExportsConnections,
    FileSection,
    ImportedConnection,
    ImportsConnections,
    SignInMethod,
    TokenSet,
)


class Vault(Connector, ExportsConnections, ImportsConnections):
    """Accepts keys that begin with `key-`."""

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo("vault", "Vault")

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return [ApiKey()]

    async def identify(self, tokens: TokenSet) -> Account:
        key = tokens.access_token.get_secret_value()
        if not key.startswith("key-"):
            raise Unauthorized("refused")
        return Account("1", username="someone")

    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        sections = [
            FileSection(
                "vault.conf", each.connection, {"type": "vault", "key": each.tokens.access_token}
            )
            for each in connections
        ]
        for each in connections:
            if "hang" in each.connection:
                threading.Event().wait(30)
            if "broken" in each.connection:
                return [FileSection("../vault.conf", "", {})]
            if each.connection == "default":
                values = {"api_key": each.tokens.access_token, "expires_at": 0}
                sections.append(FileSection("mcp-tokens.json", "vault", values))
                sections.append(FileSection("vault_token.json", "", values))
        return sections

    def imported_files(self) -> Sequence[str]:
        return ["mcp-tokens.json", "vault.conf"]

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        found: list[ImportedConnection] = []
        for section in sections:
            if section.file == "vault.conf" and section.text("type") == "vault":
                found.append(_imported(section.section, section.secret("key"), section))
            elif section.section == "vault" and section.text("api_key"):
                found.append(_imported("default", section.secret("api_key"), section))
        names = [each.connection for each in found]
        return [each for i, each in enumerate(found) if each.connection not in names[:i]]


def _imported(name: str, key: SecretStr, section: FileSection) -> ImportedConnection:
    return ImportedConnection(name, TokenSet(key), section, "api_key")


class Plugin:
    @hookimpl
    def xo_connectors(self, context: HostContext) -> Sequence[Connector]:
        return [Vault()]


plugin = Plugin()
