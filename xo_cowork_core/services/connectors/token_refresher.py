"""Refreshes tokens, on demand and at 80 % of their life; at most one refresh of a connection runs.

Owns the task of `start` and the refreshes; `stop` ends them. A refresh that runs may finish, as
its answer replaces a token that the server no longer accepts.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from xo_cowork_core.sdk import Unauthorized, Unavailable, XoError
from xo_cowork_core.sdk.connector import TokenSet
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connection import (
    EXPIRED,
    Connection,
    expires_soon,
    is_expired,
    refresh_time,
)
from xo_cowork_core.services.connectors.errors import (
    NeedsAuth,
    StorageFailed,
    UpstreamUnreachable,
)
from xo_cowork_core.services.connectors.expiry_reports import record_expiry
from xo_cowork_core.services.connectors.token_store import StoredConnection

MAX_PAUSE_SECONDS = 30.0
MIN_PAUSE_SECONDS = 0.2
STOP_SECONDS = 5.0
REFUSED = "The service no longer accepts this sign-in."
log = logging.getLogger("xo_cowork.connectors")


class RefreshesTokens(Protocol):
    """Requests new tokens at the service of a connection."""

    async def refresh(self, connector: str, row: StoredConnection) -> TokenSet:
        """Return new tokens.

        Raises Unauthorized when a person has to sign in again, else Unavailable or UpstreamFailed.
        """
        ...


class CountsRefreshes(Protocol):
    """Called when a refresh has ended."""

    def __call__(self, *, succeeded: bool) -> None: ...


class TokenRefresher:
    """The refreshes of all connections.

    `stored` returns the connections that may need one; `count` is told how each refresh ended.
    """

    def __init__(
        self,
        sessions: RefreshesTokens,
        clock: Clock,
        stored: Callable[[], Iterable[Connection]],
        count: CountsRefreshes | None = None,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._stored = stored
        self._count = count
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._refreshes: set[asyncio.Task[TokenSet]] = set()

    def start(self) -> None:
        """Begin to refresh ahead of time."""
        self._task = asyncio.create_task(self._run(), name="token refresh")

    async def stop(self) -> None:
        """End all tasks; running refreshes get 5 s."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self._refreshes:
            _, late = await asyncio.wait(self._refreshes, timeout=STOP_SECONDS)
            for refresh in late:
                refresh.cancel()
            if late:
                await asyncio.wait(late)

    def wake(self) -> None:
        """Look at the connections again: one of them is new."""
        self._wakeup.set()

    async def valid_tokens(self, connection: Connection, nobody: str) -> TokenSet:
        """Return tokens for the next 60 s, refreshed if need be.

        Raises NeedsAuth, with the sentence `nobody` where no account is signed in, and Unavailable
        while an expired token can't be refreshed.
        """
        row, tokens = connection.row, connection.usable_tokens()
        if row is None or tokens is None:
            raise NeedsAuth((row.reauth_reason if row else "") or nobody)
        if not expires_soon(row, self._clock.now()):
            return tokens
        if not row.can_refresh:
            if is_expired(tokens, self._clock.now()):
                raise NeedsAuth(EXPIRED)
            return tokens
        try:
            return await self.refresh(connection, tokens)
        except Unauthorized as error:
            raise NeedsAuth(error.message) from None
        except XoError as error:
            if not is_expired(tokens, self._clock.now()) and connection.usable_tokens() is tokens:
                return tokens
            retry_after = error.retry_after if isinstance(error, Unavailable) else 1
            raise UpstreamUnreachable(error.message, retry_after=retry_after) from None

    async def replace_refused(self, connection: Connection, refused: TokenSet) -> TokenSet:
        """Return tokens that are newer than `refused`, which the service does not accept.

        Raises NeedsAuth when a person has to sign in again, else Unavailable or UpstreamFailed.
        """
        row, tokens = connection.row, connection.usable_tokens()
        if row is None or tokens is None:
            raise NeedsAuth((row.reauth_reason if row else "") or REFUSED)
        if tokens.access_token != refused.access_token:
            return tokens
        if row.can_refresh:
            try:
                return await self.refresh(connection, tokens)
            except Unauthorized as error:
                raise NeedsAuth(error.message) from None
        async with connection.lock:
            # another sign-in may have ended in the meantime
            if connection.row is row:
                await self.require_sign_in(connection, row, REFUSED)
        raise NeedsAuth(REFUSED)

    async def refresh(self, connection: Connection, stale: TokenSet) -> TokenSet:
        """Return tokens that are newer than `stale`.

        Raises Unauthorized when a person has to sign in again, else Unavailable or UpstreamFailed.
        """
        # a caller that is cancelled must not cancel the refresh of the others
        return await asyncio.shield(self._begin(connection, stale))

    def begin_due(self) -> Collection[asyncio.Task[TokenSet]]:
        """Begin to refresh the tokens that are due."""
        now = self._clock.now()
        due = [each for each in self._idle() if _is_due(each, now)]
        return [self._begin(each, each.tokens) for each in due if each.tokens]

    async def _run(self) -> None:
        while True:
            self._wakeup.clear()
            self.begin_due()
            # time alone ends tokens that can't be refreshed
            for each in list(self._stored()):
                await record_expiry(each, self._clock.now())
                each.changed()
            pause = _pause_until_due(self._idle(), self._clock.now())
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()

    def _idle(self) -> Iterator[Connection]:
        return (each for each in self._stored() if each.refreshing is None)

    def _begin(self, connection: Connection, stale: TokenSet) -> asyncio.Task[TokenSet]:
        if connection.refreshing is not None:
            return connection.refreshing
        name = f"refresh {connection.connector} {connection.name}"
        task = asyncio.create_task(self._refresh(connection, stale), name=name)
        connection.refreshing = task
        self._refreshes.add(task)

        def finish(done: asyncio.Task[TokenSet]) -> None:
            connection.refreshing = None
            self._refreshes.discard(done)
            self._wakeup.set()
            if not done.cancelled():
                # every caller may be cancelled by now
                error = done.exception()
                if self._count is not None:
                    self._count(succeeded=error is None)
            connection.changed()

        task.add_done_callback(finish)
        return task

    async def _refresh(self, connection: Connection, stale: TokenSet) -> TokenSet:
        async with connection.lock:
            row, tokens = connection.row, connection.usable_tokens()
            if row is None or tokens is None:
                raise NeedsAuth("No account is signed in.")
            if tokens is not stale:
                return tokens
            if connection.unsaved is None:
                connection.unsaved = await self._request(connection, row)
            try:
                await connection.save(connection.unsaved)
            except StorageFailed as error:
                connection.note_refresh_fault(error, self._clock.now())
                log.error(
                    "connector %s: refreshed tokens are kept in memory alone: %s",
                    connection.connector,
                    error.message,
                )
                raise
            # what a check said of the old tokens no longer counts
            connection.clear_faults()
            fresh = connection.tokens
            assert fresh is not None
            return fresh

    async def _request(self, connection: Connection, row: StoredConnection) -> StoredConnection:
        """Return the row with new tokens; record what goes wrong."""
        now = self._clock.now()
        fault = connection.refresh_fault
        if fault is not None and now < fault.next_try:
            seconds = (fault.next_try - now).total_seconds()
            raise UpstreamUnreachable(fault.reason, retry_after=max(1, round(seconds)))
        try:
            tokens = await self._sessions.refresh(connection.connector, row)
        except Unauthorized as error:
            await self.require_sign_in(connection, row, error.message)
            raise
        except XoError as error:
            connection.note_refresh_fault(error, self._clock.now())
            log.warning(
                "connector %s: the tokens were not refreshed: %s",
                connection.connector,
                error.message,
            )
            raise
        return replace(row, tokens=tokens, obtained_at=now)

    async def require_sign_in(
        self, connection: Connection, row: StoredConnection, reason: str
    ) -> None:
        """Record that a person has to sign in again. The tokens stay; the caller has the lock."""
        log.warning("connector %s: sign in again: %s", connection.connector, reason)
        refused = replace(row, reauth_reason=reason, changed_at=self._clock.now())
        try:
            await connection.save(refused)
        except StorageFailed as error:
            log.error("connector %s: %s", connection.connector, error.message)
            connection.note_refresh_fault(error, self._clock.now())
        connection.changed()


def _pause_until_due(connections: Iterable[Connection], now: datetime) -> float:
    moments = [_due_time(each) or _end_time(each, now) for each in connections]
    pauses = [(moment - now).total_seconds() for moment in moments if moment]
    # the longest pause is short: the machine may have slept, or its clock been set
    return max(MIN_PAUSE_SECONDS, min([MAX_PAUSE_SECONDS, *pauses]))


def _due_time(connection: Connection) -> datetime | None:
    row = connection.row
    moment = refresh_time(row) if row else None
    fault = connection.refresh_fault
    return max(moment, fault.next_try) if moment and fault else moment


def _end_time(connection: Connection, now: datetime) -> datetime | None:
    tokens = connection.usable_tokens()
    return tokens.expires_at if tokens and not is_expired(tokens, now) else None


def _is_due(connection: Connection, now: datetime) -> bool:
    moment = _due_time(connection)
    return moment is not None and moment <= now
