"""Connections in the files that other programs read, such as rclone's configuration.

The host writes the files into its state folder; a connector says what belongs in them, and reads
what an older server left there.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk.connector.connector import Account
from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

FileValue: TypeAlias = SecretStr | str | bool | int | float | Sequence[str] | None


@frozen_dataclass
class FileSection:
    """One named section of a file in the state folder.

    `file` is a plain file name that ends with `.json` or `.conf` (`mcp-tokens.json`). In a JSON
    file the section is the member of that name, an object with `values`; the section "" is the
    members of the whole file. In a `.conf` file it is an INI section (`[name]`, lines
    `key = value`); its values are texts of one line without a space at either end. A value that is
    a secret is a `SecretStr`.
    """

    file: str
    section: str
    values: Mapping[str, FileValue] = field(repr=False)

    def text(self, key: str) -> str:
        """Return a value that is a text, else ""."""
        value = self.values.get(key)
        return value if isinstance(value, str) else self.secret(key).get_secret_value()

    def secret(self, key: str) -> SecretStr:
        """Return a value that is a text as a secret; an empty one where there is none."""
        value = self.values.get(key)
        if isinstance(value, SecretStr):
            return value
        return SecretStr(value if isinstance(value, str) else "")


def read_tokens(section: FileSection) -> TokenSet | None:
    """Return the tokens of a section with the members of `token_values`; None without a token."""
    access_token, refresh_token = section.secret("access_token"), section.secret("refresh_token")
    if not access_token.get_secret_value():
        return None
    expires_at = section.values.get("expires_at")
    return TokenSet(
        access_token,
        refresh_token=refresh_token if refresh_token.get_secret_value() else None,
        expires_at=_read_time(expires_at) if isinstance(expires_at, int | float) else None,
        scopes=tuple(section.text("scope").replace(",", " ").split()),
    )


def _read_time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


@frozen_dataclass
class ExportedConnection:
    """A connection with tokens, also one whose account must sign in again.

    `connection` is its name, `method` the id of the sign-in method, "" for tokens that the plugin
    set by itself, and `client_id` the OAuth client that got the tokens.
    """

    connection: str
    tokens: TokenSet
    account: Account | None = None
    method: str = ""
    client_id: str = ""


def token_values(connection: ExportedConnection) -> Mapping[str, FileValue]:
    """Return the members that readers of `mcp-tokens.json` expect of tokens.

    `expires_at` is in seconds, 0 for tokens that do not expire; `scope` has spaces between scopes.
    """
    tokens, account = connection.tokens, connection.account
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": int(tokens.expires_at.timestamp()) if tokens.expires_at else 0,
        "token_type": "Bearer",
        "scope": " ".join((account.scopes if account else ()) or tokens.scopes),
        "auth_method": connection.method,
    }


@frozen_dataclass
class ImportedConnection:
    """A connection that was found in a file of another server.

    `source` is the section that it was read from: in the state folder this server takes the
    section over. The host refreshes the tokens if `method` is the id of a way to sign in by OAuth;
    `client_id` names a client that was registered dynamically.
    """

    connection: str
    tokens: TokenSet
    source: FileSection
    method: str = ""
    client_id: str = ""


class ExportsConnections(ABC):
    """Writes its connections to files that other programs read.

    Values of other sections, and other values of the same section, stay as they are.
    """

    @abstractmethod
    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        """Return all sections of these connections, which are all that have tokens.

        Called at start and after each change of a connection: a section that is not returned any
        more is removed from its file. Called in a thread: it may block, for at most 10 s.
        """


class ImportsConnections(ABC):
    """Reads connections from files that an older server left.

    Called once at start, while nobody ever signed in to the connector.
    """

    @abstractmethod
    def imported_files(self) -> Sequence[str]:
        """Return the names of the files to read, such as `mcp-tokens.json`."""

    @abstractmethod
    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        """Return the connections in the sections of one folder's files; those of others ignored.

        Each text of a section is a `SecretStr`; of a JSON file the members that are no objects are
        the section "". Values of other kinds are left out. The host checks the tokens with
        `identify`. Called in a thread.
        """
