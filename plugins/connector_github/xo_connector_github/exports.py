"""The files with the token that other programs read: `mcp-tokens.json` and `github_token.json`.

Both have the same members: in the first they are the object `github`, in the second the whole file.
"""

from collections.abc import Sequence

from xo_connector_github.options import NAME
from xo_connector_github.sign_in import DEVICE, GH, TOKEN
from xo_cowork_core.sdk.connector import (
    DEFAULT_CONNECTION,
    ExportedConnection,
    FileSection,
    ImportedConnection,
    read_tokens,
    token_values,
)

PLACES = (("mcp-tokens.json", NAME), ("github_token.json", ""))
FILES = tuple(file for file, _ in PLACES)
METHODS = frozenset({DEVICE.id, GH.id, TOKEN.id})


def export_sections(connections: Sequence[ExportedConnection]) -> Sequence[FileSection]:
    """Return the sections of both files for the connection `default`."""
    return [
        FileSection(file, section, token_values(connection))
        for connection in connections
        if connection.connection == DEFAULT_CONNECTION
        for file, section in PLACES
    ]


def import_sections(sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
    """Return the connection of the first file that has one."""
    for section in sorted(sections, key=lambda each: each.section == ""):
        tokens = read_tokens(section) if (section.file, section.section) in PLACES else None
        if tokens is not None:
            method = section.text("auth_method")
            known = method if method in METHODS else ""
            return [ImportedConnection(DEFAULT_CONNECTION, tokens, section, known)]
    return []
