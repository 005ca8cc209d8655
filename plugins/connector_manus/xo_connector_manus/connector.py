"""Manus: its key, whether the key works, and the section of exports."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from pydantic import SecretStr

from xo_connector_manus import exports
from xo_connector_manus.options import API_KEY, KEY_HEADER, NAME
from xo_cowork_core.sdk import (
    HostContext,
    JsonValue,
    Turn,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
)
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
    ProvidesRawTokens,
    SignInMethod,
    TokenSet,
    read_account,
    request_account,
)

TITLE = "Manus"
# the cheapest request that needs a key: it shares the limit of 100 a minute of all the user's keys
TASKS_URL = "https://api.manus.ai/v2/task.list?limit=1"
DENIED_CODES = frozenset({"permission_denied", "unauthenticated"})
# while Manus fails or limits requests it is left alone for so long, unless it says how long
FAILING_SECONDS = 300
ACCOUNT_ID = "manus"
KEY_ENTRY = "MANUS_API_KEY"


class Manus(Connector, ProvidesRawTokens, ExportsConnections, ImportsConnections):
    """The connector `manus`."""

    def __init__(self, context: HostContext) -> None:
        self._context = context

    def describe(self) -> ConnectorInfo:
        return ConnectorInfo(NAME, TITLE)

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        return [
            ApiKey(
                id=API_KEY,
                title="Paste an API key",
                help="Create one in the settings of Manus, under Integrations, API",
                pattern=r"[\x21-\x7e]{8,512}",
            )
        ]

    async def identify(self, tokens: TokenSet) -> Account:
        """Return the account of a key that works.

        Manus does not say whose a key is. Every key counts as one of the same account, so that a
        new key can take the place of an old one; `username` tells keys apart.
        """
        http = self._context.http
        try:
            response = await request_account(http, TASKS_URL, tokens, key_header=KEY_HEADER)
        except Unavailable as error:
            pause = error.retry_after or FAILING_SECONDS
            raise Unavailable(error.message, retry_after=pause) from None
        _check(read_account(response))
        return Account(ACCOUNT_ID, username=f"key {_fingerprint(tokens.access_token)}")

    def raw_token_environment(self, turn: Turn, tokens: TokenSet) -> Mapping[str, SecretStr]:
        return {KEY_ENTRY: tokens.access_token}

    def export_connections(
        self, connections: Sequence[ExportedConnection]
    ) -> Sequence[FileSection]:
        return exports.export_sections(connections)

    def imported_files(self) -> Sequence[str]:
        return (exports.FILE,)

    def import_connections(self, sections: Sequence[FileSection]) -> Sequence[ImportedConnection]:
        return exports.import_sections(sections)


def _check(body: Mapping[str, JsonValue]) -> None:
    """Raise the error of an answer with status 200 that reports one."""
    if body.get("ok") is True:
        return
    error = body.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    if code in DENIED_CODES:
        raise Unauthorized("Manus refuses the key.")
    raise UpstreamFailed("Manus sent an answer that reports an error.")


def _fingerprint(key: SecretStr) -> str:
    return sha256(key.get_secret_value().encode()).hexdigest()[:8]
