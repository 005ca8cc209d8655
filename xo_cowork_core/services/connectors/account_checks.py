"""Checks with services whether stored tokens still work; a result is cached for 60 s.

Owns the task of each check; `stop` ends them.
"""

import asyncio
from dataclasses import replace

from xo_cowork_core.sdk import Unauthorized, XoError
from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connection import Connection, expires_soon
from xo_cowork_core.services.connectors.connector_calls import identify
from xo_cowork_core.services.connectors.errors import StorageFailed
from xo_cowork_core.services.connectors.token_refresher import REFUSED, TokenRefresher
from xo_cowork_core.services.runtimes.registry import RegisteredConnector, Registry

FRESH_SECONDS = 60.0


class AccountChecks:
    """The checks of all connections."""

    def __init__(self, registry: Registry, refresher: TokenRefresher, clock: Clock) -> None:
        self._registry = registry
        self._refresher = refresher
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """End all checks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def begin(self, connection: Connection) -> asyncio.Task[None] | None:
        """Start a check, or return the one that runs; None while the last verdict holds."""
        if connection.checking is not None:
            return connection.checking
        registered = self._registry.connectors.get(connection.connector)
        if registered is None or not registered.plugin.serves:
            return None
        if connection.usable_tokens() is None or self._is_fresh(connection):
            return None
        name = f"check {connection.connector} {connection.name}"
        task = asyncio.create_task(self._check(registered, connection), name=name)
        connection.checking = task
        self._tasks.add(task)

        def finish(done: asyncio.Task[None]) -> None:
            connection.checking = None
            self._tasks.discard(done)
            connection.changed()

        task.add_done_callback(finish)
        return task

    def _is_fresh(self, connection: Connection) -> bool:
        tried_at = connection.check_tried_at
        if tried_at is None:
            return False
        fault = connection.check_fault
        if fault is not None and self._clock.now() < fault.next_try:
            # a service whose rate limit is reached is left alone until it is over
            return True
        return (self._clock.now() - tried_at).total_seconds() < FRESH_SECONDS

    async def _check(self, registered: RegisteredConnector, connection: Connection) -> None:
        connection.check_tried_at = self._clock.now()
        try:
            tokens = await self._current_tokens(connection)
            account = await self._identify(registered, connection, tokens)
        except Unauthorized:
            await self._require_sign_in(connection)
        except XoError as error:
            connection.note_check_fault(error, self._clock.now())
        else:
            connection.check_fault = None
            connection.checked_at = self._clock.now()
            await self._store_account(connection, account)

    async def _current_tokens(self, connection: Connection) -> TokenSet:
        row, tokens = connection.row, connection.usable_tokens()
        if row is None or tokens is None:
            raise Unauthorized(REFUSED)
        if row.can_refresh and expires_soon(row, self._clock.now()):
            return await self._refresher.refresh(connection, tokens)
        return tokens

    async def _identify(
        self, registered: RegisteredConnector, connection: Connection, tokens: TokenSet
    ) -> Account:
        try:
            return await identify(registered, tokens)
        except Unauthorized:
            row = connection.row
            if row is None or not row.can_refresh:
                raise
            # the server may have ended the access token alone
            return await identify(registered, await self._refresher.refresh(connection, tokens))

    async def _require_sign_in(self, connection: Connection) -> None:
        async with connection.lock:
            row = connection.row
            if row is not None and row.tokens is not None and not row.reauth_reason:
                await self._refresher.require_sign_in(connection, row, REFUSED)

    async def _store_account(self, connection: Connection, account: Account) -> None:
        async with connection.lock:
            row = connection.row
            if row is None or row.tokens is None or row.account == account:
                return
            if row.account is not None and not account.id:
                # the service has confirmed the tokens and does not say whose they are
                return
            try:
                await connection.save(replace(row, account=account))
            except StorageFailed as error:
                connection.note_check_fault(error, self._clock.now())
