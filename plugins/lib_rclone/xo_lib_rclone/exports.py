"""Remotes in the `rclone.conf` of the state folder, which agents and other programs use.

A section has the access token alone: a program that reads it can't refresh, and so can't make the
host's refresh token invalid. The host writes the file again after each refresh.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from pydantic import SecretStr

from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import (
    DEFAULT_CONNECTION,
    ExportedConnection,
    FileSection,
    FileValue,
    ImportedConnection,
)
from xo_lib_rclone.authorize import METHOD_ID, read_token
from xo_lib_rclone.backend import Options, RcloneBackend
from xo_lib_rclone.names import REMOTE_NAME
from xo_lib_rclone.remotes import ACCOUNT_OPTION, OWN_OPTIONS, account_mark, encode_token

EXPORT_FILE = "rclone.conf"


def export_name(connector: str, connection: str, others: Collection[str]) -> str:
    """Return the name of a connection's section: the file is that of several connectors.

    Each of them may have the connection `default`, which is then named after the connector.
    """
    if connection == DEFAULT_CONNECTION and connector not in others:
        return connector
    return connection


def export_section(
    backend: RcloneBackend, stored: Mapping[str, Options], connection: ExportedConnection, name: str
) -> FileSection:
    """Return the section `name` of one connection.

    `stored` are the sections of rclone's own configuration.
    """
    section = stored.get(connection.connection, {})
    account = connection.account.id if connection.account else ""
    is_same = section.get(ACCOUNT_OPTION) == account_mark(account)
    options = {name: value for name, value in section.items() if name not in OWN_OPTIONS}
    values: dict[str, FileValue] = {
        "type": backend.type,
        **backend.export_options(options if is_same else {}, connection.tokens.scopes),
        "token": SecretStr(encode_token(connection.tokens)),
    }
    return FileSection(EXPORT_FILE, name, values)


def import_section(backend: RcloneBackend, section: FileSection) -> ImportedConnection | None:
    """Return the connection in a section that an older server wrote; None where there is none.

    Its token is one of rclone's own client, unless it was exported without a refresh token.
    """
    if section.text("type") != backend.type or not REMOTE_NAME.fullmatch(section.section):
        return None
    try:
        tokens = read_token(section.text("token"))
    except UpstreamFailed:
        return None
    kept = {name: section.secret(name) for name in backend.imported_options if section.text(name)}
    return ImportedConnection(section.section, replace(tokens, extra=kept), section, METHOD_ID)
