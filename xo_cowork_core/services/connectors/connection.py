"""One connection: what is stored of it, and what is known of it at the moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from xo_cowork_core.sdk import Unavailable, XoError
from xo_cowork_core.sdk.connector import ConnectionState, TokenSet
from xo_cowork_core.sdk.connector.status import ConnectionStatus
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.services.connectors.token_store import StoredConnection, TokenStore

SKEW = timedelta(seconds=60)
REFRESH_AT = 0.8
MAX_RETRY_SECONDS = 60
# a service that refuses every token must not wear out the refresh tokens
REPLACEMENT_PAUSE = timedelta(seconds=10)
EXPIRED = "The sign-in has expired."


@frozen_dataclass
class Fault:
    """A failure that may pass: why, since when, how often by now, and when to try again."""

    reason: str
    since: datetime
    next_try: datetime
    attempts: int = 1


@dataclass(slots=True)
class Connection:
    """The state of one connection. Its `lock` is held while the tokens change.

    `unsaved` are tokens that the server has issued and the disk has not taken: nothing may use
    them before they are stored. `replaced_at` is the time of the last refresh of tokens that the
    service had refused before their time. `refreshing` and `checking` are the only tasks;
    `Connections` ends them.
    """

    connector: str
    name: str
    store: TokenStore
    on_change: "Callable[[Connection], None] | None" = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refreshing: asyncio.Task[TokenSet] | None = None
    checking: asyncio.Task[None] | None = None
    unsaved: StoredConnection | None = None
    refresh_fault: Fault | None = None
    check_fault: Fault | None = None
    checked_at: datetime | None = None
    check_tried_at: datetime | None = None
    replaced_at: datetime | None = None

    @property
    def row(self) -> StoredConnection | None:
        """What is stored."""
        return self.store.rows(self.connector).get(self.name)

    @property
    def tokens(self) -> TokenSet | None:
        """The stored tokens, valid or not."""
        row = self.row
        return row.tokens if row else None

    def usable_tokens(self) -> TokenSet | None:
        """Return the stored tokens unless a person has to sign in again."""
        row = self.row
        return None if row is None or row.reauth_reason else row.tokens

    def begin_replacement(self, refused: TokenSet, now: datetime) -> bool:
        """Return whether tokens that a service refuses may be replaced: there are newer ones, or
        they can be refreshed and were not a moment ago. Note the time."""
        row, tokens = self.row, self.usable_tokens()
        if row is None or tokens is None:
            return False
        if tokens.access_token != refused.access_token or self.refreshing is not None:
            return True
        is_recent = self.replaced_at is not None and now - self.replaced_at < REPLACEMENT_PAUSE
        if is_recent or not row.can_refresh:
            return False
        self.replaced_at = now
        return True

    async def save(self, row: StoredConnection | None) -> None:
        """Store a row. Raises StorageFailed; then nothing has changed."""
        await self.store.put(self.connector, self.name, row)

    def changed(self) -> None:
        """Tell that the tokens or the state may be new."""
        if self.on_change is not None:
            self.on_change(self)

    def clear_faults(self) -> None:
        """Clear the errors of earlier tokens."""
        self.unsaved = self.refresh_fault = self.check_fault = None
        self.check_tried_at = None

    def note_refresh_fault(self, error: XoError, now: datetime) -> None:
        """Record a failed refresh and when to try again."""
        self.refresh_fault = _next_fault(self.refresh_fault, error, now)

    def note_check_fault(self, error: XoError, now: datetime) -> None:
        """Record a check without an answer."""
        self.check_fault = _next_fault(self.check_fault, error, now)

    def status(self, now: datetime, lost: str = "") -> ConnectionStatus:
        """Return the status. `lost` says what was wrong with the file, for people."""
        row = self.row
        if row is None:
            return ConnectionStatus(self.connector, self.name, reason=lost)
        state, reason, since = self._state(row, now)
        fault = self._fault if state == "degraded" else None
        return ConnectionStatus(
            connector=self.connector,
            connection=self.name,
            state=state,
            account=row.account,
            method=row.method or None,
            kind=row.kind,
            scopes=_scopes(row),
            reason=reason,
            since=since,
            next_try=fault.next_try if fault else None,
            expires_at=row.tokens.expires_at if row.tokens else None,
            checked_at=self.checked_at,
        )

    @property
    def _fault(self) -> Fault | None:
        return self.refresh_fault or self.check_fault

    def _state(
        self, row: StoredConnection, now: datetime
    ) -> tuple[ConnectionState, str, datetime | None]:
        if row.tokens is None:
            return "disconnected", "", row.changed_at
        if row.reauth_reason:
            return "needs_reauth", row.reauth_reason, row.changed_at
        if is_expired(row.tokens, now) and not row.can_refresh:
            return "needs_reauth", EXPIRED, row.tokens.expires_at
        if self.refreshing is not None:
            return "refreshing", "", None
        if fault := self._fault:
            return "degraded", fault.reason, fault.since
        return "connected", "", row.changed_at


def _scopes(row: StoredConnection) -> tuple[str, ...]:
    if row.tokens is None:
        return ()
    # what the service says of the tokens, such as a pasted key, else what it said with them
    return (row.account.scopes if row.account else ()) or row.tokens.scopes


def is_expired(tokens: TokenSet, now: datetime) -> bool:
    """Return whether tokens are known to be invalid by now."""
    return tokens.expires_at is not None and tokens.expires_at <= now


def expires_soon(row: StoredConnection, now: datetime) -> bool:
    """Return whether tokens have less than 60 s left, or half of a life that is short."""
    if row.tokens is None or row.tokens.expires_at is None:
        return False
    life = row.tokens.expires_at - row.obtained_at
    return row.tokens.expires_at - min(SKEW, max(life / 2, timedelta())) <= now


def refresh_time(row: StoredConnection) -> datetime | None:
    """Return when to refresh ahead of time: after 80 % of the tokens' life; None for never."""
    if row.tokens is None or row.tokens.expires_at is None:
        return None
    if row.reauth_reason or not row.can_refresh:
        return None
    life = row.tokens.expires_at - row.obtained_at
    return row.obtained_at + max(life, timedelta()) * REFRESH_AT


def _next_fault(previous: Fault | None, error: XoError, now: datetime) -> Fault:
    attempts = previous.attempts + 1 if previous else 1
    seconds = min(MAX_RETRY_SECONDS, 2 ** min(attempts - 1, 10))
    if isinstance(error, Unavailable) and error.retry_after:
        seconds = max(seconds, error.retry_after)
    return Fault(
        reason=error.message,
        since=previous.since if previous else now,
        next_try=now + timedelta(seconds=seconds),
        attempts=attempts,
    )
