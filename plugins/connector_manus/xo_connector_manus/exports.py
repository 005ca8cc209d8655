"""The member `manus` of mcp-tokens.json, which has room for one key."""

from collections.abc import Sequence

from xo_connector_manus.options import API_KEY, NAME
from xo_cowork_core.sdk.connector import (
    DEFAULT_CONNECTION,
    ExportedConnection,
    FileSection,
    ImportedConnection,
    TokenSet,
)

FILE = "mcp-tokens.json"


def export_sections(connections: Sequence[ExportedConnection]) -> Sequence[FileSection]:
    """Return the section of the connection `default`."""
    return [
        FileSection(
            FILE,
            NAME,
            {"api_key": each.tokens.access_token, "expires_at": 0, "token_type": API_KEY},
        )
        for each in connections
        if each.connection == DEFAULT_CONNECTION
    ]


def import_sections(sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
    """Return the connection that an older server left."""
    return [
        ImportedConnection(
            DEFAULT_CONNECTION, TokenSet(section.secret("api_key")), section, method=API_KEY
        )
        for section in sections
        if (section.file, section.section) == (FILE, NAME)
        and section.secret("api_key").get_secret_value()
    ]
