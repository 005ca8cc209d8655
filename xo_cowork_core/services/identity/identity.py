"""The sign-in of this server: started, consumed, refreshed ahead of expiry, and ended.

One account is signed in at a time. Owns a refresher and a consumer of sign-ins; `stop` ends them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, Unauthorized, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.connector import Account
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connection import Connection, is_expired
from xo_cowork_core.services.connectors.errors import NeedsAuth, UpstreamUnreachable
from xo_cowork_core.services.connectors.token_refresher import TokenRefresher
from xo_cowork_core.services.connectors.token_store import StoredConnection, TokenStore
from xo_cowork_core.services.identity.identity_api import IdentityApi, SignInStatus, StartedSignIn
from xo_cowork_core.services.identity.sign_in_consumer import SignInConsumer, session_id_of
from xo_cowork_core.services.identity.sign_in_journal import PendingSignIn, SignInJournal

# the name of the file of tokens
SERVICE = "xo"
NOT_CONFIGURED = "No identity service is configured: set CHAT_API_BASE_URL."
NOT_SIGNED_IN = "Not signed in."
REFUSED = "The identity service refuses the token: sign in again."
TokenSource: TypeAlias = Literal["none", "session", "api_key"]


class IdentitySettings(NamedTuple):
    """What the settings say. `base_url` is empty where no service is configured; `api_key` is used
    instead of a sign-in; the sign-in of `auth_session_id` and `poll_token` is consumed at start."""

    base_url: str
    api_key: SecretStr
    auth_session_id: str
    poll_token: SecretStr


class IdentityState(NamedTuple):
    """Who is signed in, from memory."""

    authenticated: bool = False
    user_id: str | None = None
    expires_at: datetime | None = None
    auth_session_id: str | None = None
    token_source: TokenSource = "none"  # noqa: S105  # the name of a source


class ConsumedSignIn(NamedTuple):
    """The result of a consumption. `expires_in` is in seconds, None when it is not known."""

    user_id: str
    expires_in: int | None
    scope: str


class Identity:
    """The sign-in at one identity service."""

    def __init__(
        self,
        settings: IdentitySettings,
        api: IdentityApi,
        store: TokenStore,
        journal: SignInJournal,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._api = api
        self._store = store
        self._journal = journal
        self._clock = clock
        # a sign-in at another service is neither used nor deleted
        self._connection = Connection(SERVICE, settings.base_url, store)
        self._refresher = TokenRefresher(api, clock, lambda: [self._connection])
        self._consumer = SignInConsumer(api, self._connection, journal, clock)
        self._key_account: Account | None = None
        # the last token that the service refused before its expiry
        self._refused: SecretStr | None = None

    async def start(self) -> None:
        """Read the stored sign-in. Nothing is requested."""
        if self._settings.base_url:
            await self._store.start()
            await self._journal.start()

    def start_requests(self) -> None:
        """Begin to refresh, and consume the sign-in of the settings, in the background.

        Called once the server listens: the first request loads the HTTP client.
        """
        settings = self._settings
        if not settings.base_url:
            return
        self._refresher.start()
        if settings.auth_session_id and settings.poll_token.get_secret_value():
            self._consumer.start_configured(settings.auth_session_id, settings.poll_token)

    async def stop(self) -> None:
        """End all tasks."""
        await self._consumer.stop()
        await self._refresher.stop()
        await self._store.stop()

    @property
    def base_url(self) -> str:
        """The address of the service, empty where none is configured."""
        return self._settings.base_url

    @property
    def api_key(self) -> SecretStr:
        """The key that is used instead of a sign-in; empty for none."""
        return self._settings.api_key

    def state(self) -> IdentityState:
        """Return who is signed in, from memory."""
        if self._has_key:
            account = self._key_account
            user_id = account.id if account else None
            return IdentityState(True, user_id, None, None, "api_key")
        row, tokens = self._connection.row, self._connection.usable_tokens()
        if row is None or tokens is None:
            return IdentityState()
        is_over = is_expired(tokens, self._clock.now()) and not row.can_refresh
        return IdentityState(
            not is_over and tokens.access_token != self._refused,
            (row.account.id if row.account else "") or None,
            tokens.expires_at,
            session_id_of(row),
            "session",
        )

    async def begin(
        self, scopes: Sequence[str] | None, client_reference: str | None
    ) -> StartedSignIn:
        """Start a browser sign-in, and keep its poll token. Raises Unavailable, UpstreamFailed."""
        self._require_service()
        started = await self._api.start(scopes, client_reference)
        await self._journal.add(
            PendingSignIn(
                self._settings.base_url,
                started.auth_session_id,
                started.poll_token,
                self._clock.now(),
            )
        )
        return started

    async def status(self, auth_session_id: str, poll_token: SecretStr | None) -> SignInStatus:
        """Return the state of a browser sign-in.

        Raises BadRequest without a poll token, Unauthorized for a wrong one, Unavailable,
        UpstreamFailed.
        """
        self._require_service()
        token = self._find_poll_token(auth_session_id, poll_token)
        return await self._api.status(auth_session_id, token)

    async def consume(
        self, auth_session_id: str, poll_token: SecretStr | None = None
    ) -> ConsumedSignIn:
        """Sign in with an approved browser sign-in. The tokens are on the disk on return.

        Raises as `status`, and StorageFailed.
        """
        self._require_service()
        token = self._find_poll_token(auth_session_id, poll_token)
        row = await self._consumer.consume(auth_session_id, token)
        self._refused = None
        self._refresher.wake()
        return _consumed(row)

    async def whoami(self) -> Account:
        """Ask the service who is signed in. Raises Unauthorized, Unavailable, UpstreamFailed."""
        token = await self.token()
        try:
            account = await self._api.identify(token)
        except Unauthorized:
            token = await self.renew(token)
            account = await self._identify_again(token)
        if self._has_key:
            self._key_account = account
        self._refused = None
        return account

    async def token(self) -> SecretStr:
        """Return the token for requests to the service, refreshed if need be.

        Raises Unauthorized when nobody is signed in, Unavailable where no service is configured,
        UpstreamFailed while an expired token can't be refreshed.
        """
        self._require_service()
        if self._has_key:
            return self._settings.api_key
        try:
            tokens = await self._refresher.valid_tokens(self._connection, NOT_SIGNED_IN)
        except UpstreamUnreachable as error:
            raise UpstreamFailed(error.message) from None
        return tokens.access_token

    async def renew(self, refused: SecretStr) -> SecretStr:
        """Return a new token in place of one that the service refused before its expiry.

        Raises Unauthorized when a person has to sign in again, Unavailable, UpstreamFailed.
        """
        row, tokens = self._connection.row, self._connection.usable_tokens()
        if self._has_key or row is None or tokens is None or not row.can_refresh:
            self._refused = refused
            raise NeedsAuth(REFUSED)
        if tokens.access_token != refused:
            return tokens.access_token
        return (await self._refresher.refresh(self._connection, tokens)).access_token

    def account_key(self) -> str:
        """Return a name of the account and its service, which differs for each."""
        account = "key" if self._has_key else f"user {self.state().user_id or ''}"
        return f"{self._settings.base_url} {account}"

    async def logout(self) -> None:
        """Delete the sign-in and all open ones. Harmless when there are none.

        Raises StorageFailed; then nothing has changed.
        """
        if not self._settings.base_url:
            return
        async with self._connection.lock:
            await self._connection.save(None)
            self._connection.clear_faults()
        self._refused = None
        await self._journal.clear()

    @property
    def _has_key(self) -> bool:
        return bool(self._settings.api_key.get_secret_value())

    def _require_service(self) -> None:
        if not self._settings.base_url:
            raise Unavailable(NOT_CONFIGURED)

    def _find_poll_token(self, auth_session_id: str, poll_token: SecretStr | None) -> SecretStr:
        token = poll_token
        if token is None:
            token = self._journal.find_poll_token(self._settings.base_url, auth_session_id)
        if token is None and auth_session_id == self._settings.auth_session_id:
            token = self._settings.poll_token
        if token is None or not token.get_secret_value():
            raise BadRequest("`poll_token` is missing, and none is kept for this sign-in")
        return token

    async def _identify_again(self, token: SecretStr) -> Account:
        try:
            return await self._api.identify(token)
        except Unauthorized:
            self._refused = token
            raise


def _consumed(row: StoredConnection) -> ConsumedSignIn:
    assert row.tokens is not None
    expires_at, seconds = row.tokens.expires_at, None
    if expires_at is not None:
        seconds = max(0, round((expires_at - row.obtained_at).total_seconds()))
    user_id = row.account.id if row.account else ""
    return ConsumedSignIn(user_id, seconds, " ".join(row.tokens.scopes))
