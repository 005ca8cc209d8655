"""The members `vercel` and `vercel_client` of mcp-tokens.json, which has room for one account."""

from collections.abc import Sequence

from xo_connector_vercel.options import METHODS, NAME, OAUTH
from xo_cowork_core.sdk.connector import (
    DEFAULT_CONNECTION,
    ExportedConnection,
    FileSection,
    ImportedConnection,
    read_tokens,
    token_values,
)

FILE = "mcp-tokens.json"
CLIENT = "vercel_client"


def export_sections(connections: Sequence[ExportedConnection]) -> Sequence[FileSection]:
    """Return the sections of the connection `default`."""
    exported = next((c for c in connections if c.connection == DEFAULT_CONNECTION), None)
    if exported is None:
        return []
    account = exported.account
    values = {
        **token_values(exported),
        "username": account.username if account else "",
        "name": account.name if account else "",
    }
    sections = [FileSection(FILE, NAME, values)]
    if exported.client_id:
        sections.append(FileSection(FILE, CLIENT, {"client_id": exported.client_id}))
    return sections


def import_sections(sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
    """Return the connection that an older server left."""
    named = {section.section: section for section in sections if section.file == FILE}
    section = named.get(NAME)
    tokens = read_tokens(section) if section else None
    if section is None or tokens is None:
        return []
    method = section.text("auth_method")
    client = named.get(CLIENT)
    return [
        ImportedConnection(
            DEFAULT_CONNECTION,
            tokens,
            section,
            method=method if method in METHODS else "",
            client_id=client.text("client_id") if client and method == OAUTH else "",
        )
    ]
