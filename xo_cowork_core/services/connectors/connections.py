"""All connections of one app: their tokens, and their states."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from xo_cowork_core.sdk import Unauthorized
from xo_cowork_core.sdk.connector import Account, SignInMethod, TokenSet
from xo_cowork_core.sdk.connector.status import DEFAULT_CONNECTION, ConnectionStatus
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.account_checks import AccountChecks
from xo_cowork_core.services.connectors.connection import Connection
from xo_cowork_core.services.connectors.connection_table import ConnectionTable
from xo_cowork_core.services.connectors.connector_calls import list_methods
from xo_cowork_core.services.connectors.errors import AccountMismatch, NeedsAuth
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.expiry_reports import status_at_start
from xo_cowork_core.services.connectors.oauth_sessions import OAuthSessions, find_connector
from xo_cowork_core.services.connectors.token_refresher import REFUSED, TokenRefresher
from xo_cowork_core.services.connectors.token_store import StoredConnection, TokenStore
from xo_cowork_core.services.runtimes.registry import Registry


class Connections:
    """Keeps the tokens of all connectors. It owns a refresher and the checks; `stop` ends them.

    `events` is told each change. `problems` has, by connector, what else is wrong, for people.
    """

    def __init__(
        self,
        registry: Registry,
        store: TokenStore,
        sessions: OAuthSessions,
        clock: Clock,
        events: ConnectionEvents,
        problems: Mapping[str, str],
    ) -> None:
        self._registry = registry
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self.events = events
        self._problems = problems
        self._table = ConnectionTable(
            registry, store, lambda record: events.observe(self._describe(record))
        )
        self._refresher = TokenRefresher(sessions, clock, self._table.stored, events.count_refresh)
        self._checks = AccountChecks(registry, self._refresher, clock)

    async def start(self) -> None:
        """Read the stored connections and begin to refresh them."""
        await self._store.start()
        for record in self._table.stored():
            self.events.prime(status_at_start(record, self._describe(record), self._clock.now()))
        self._refresher.start()

    async def stop(self) -> None:
        """End all tasks."""
        await self._checks.stop()
        await self._refresher.stop()
        await self._store.stop()

    def statuses(self) -> Sequence[ConnectionStatus]:
        """Return the connections of every registered connector, `default` first. From memory."""
        return [
            status
            for connector in sorted(self._registry.connectors)
            for status in self.statuses_of(connector)
        ]

    def statuses_of(self, connector: str) -> Sequence[ConnectionStatus]:
        """Return the connections of one connector, `default` first. Raises NotFound."""
        find_connector(self._registry, connector)
        return [self.status(connector, name) for name in self._table.names(connector)]

    def status(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Return one connection's status from memory.

        When the last check with the service is too old, another one starts in the background.
        Raises NotFound for an unknown connector; an unknown connection is `needs_auth`.
        """
        record = self._table.find(connector, connection)
        self._checks.begin(record)
        return self._describe(record)

    async def check(self, connector: str, connection: str = DEFAULT_CONNECTION) -> ConnectionStatus:
        """Ask the service whether the tokens work, at most once in 60 s, and return the status."""
        record = self._table.find(connector, connection)
        check = self._checks.begin(record)
        if check is not None:
            await asyncio.wait({check})
        return self._describe(record)

    async def methods(self, connector: str) -> Sequence[SignInMethod]:
        """Return the connector's sign-in methods. Raises NotFound, UpstreamFailed."""
        return await list_methods(find_connector(self._registry, connector))

    async def get(self, connector: str, connection: str = DEFAULT_CONNECTION) -> TokenSet:
        """Return tokens for the next 60 s, refreshed if need be.

        Raises NotFound, NeedsAuth, and Unavailable while an expired token can't be refreshed.
        """
        record = self._table.find(connector, connection)
        return await self._refresher.valid_tokens(
            record, f"No account of {connector} is signed in."
        )

    async def replace_refused(self, connector: str, connection: str, refused: TokenSet) -> TokenSet:
        """Return tokens that are newer than `refused`, which the service does not accept.

        Raises as `get`; NeedsAuth where they can't be refreshed, and a person has to sign in again.
        """
        record = self._table.find(connector, connection)
        return await self._refresher.replace_refused(record, refused)

    async def retry_refused(self, connector: str, refused: TokenSet) -> TokenSet:
        """Return tokens of the default connection that are newer than `refused`.

        As `replace_refused`, for a service that may refuse tokens which are valid elsewhere: a
        connection is only marked when the check of its account fails, too, and tokens are replaced
        at most once in 10 s. Raises Unauthorized where the refused tokens are valid.
        """
        record = self._table.find(connector, DEFAULT_CONNECTION)
        if record.begin_replacement(refused, self._clock.now()):
            return await self._refresher.replace_refused(record, refused)
        status = await self.check(connector)
        if status.is_connected:
            raise Unauthorized("The service refuses the tokens.")
        raise NeedsAuth(status.reason or REFUSED)

    def redact(self, tokens: TokenSet) -> None:
        """Keep tokens that are not stored yet out of logs."""
        self._store.redact(tokens)

    def check_name(self, connector: str, connection: str) -> None:
        """Raise BadRequest for a malformed name, Conflict when there are too many connections."""
        self._table.check_name(connector, connection)

    async def connect(self, connector: str, connection: str, row: StoredConnection) -> None:
        """Store the result of a sign-in.

        Raises NotFound, BadRequest (name), Conflict (too many), StorageFailed, and AccountMismatch
        when the connection belongs to another account; a disconnected one belongs to none.
        """
        record = self._table.obtain(connector, connection)
        async with record.lock:
            _check_account(record.row, row.account)
            now = self._clock.now()
            await record.save(replace(row, changed_at=now))
            record.clear_faults()
            record.checked_at = record.check_tried_at = now
            record.replaced_at = None
        record.changed()
        self._refresher.wake()

    async def adopt(self, connector: str, connection: str, row: StoredConnection) -> None:
        """Store a connection unless there is one, and begin to check it. Raises as `connect`."""
        record = self._table.obtain(connector, connection)
        async with record.lock:
            if record.row is not None:
                return
            await record.save(replace(row, changed_at=self._clock.now()))
        record.changed()
        self._checks.begin(record)
        self._refresher.wake()

    def has_any(self, connector: str) -> bool:
        """Return whether something is stored of a connector, also that it was disconnected."""
        return bool(self._store.rows(connector))

    async def set_tokens(self, connector: str, connection: str, tokens: TokenSet) -> None:
        """Store tokens that a plugin got by itself. Raises as `connect`."""
        record = self._table.obtain(connector, connection)
        async with record.lock:
            now = self._clock.now()
            row = record.row or StoredConnection(None, now)
            row = replace(row, tokens=tokens, obtained_at=now, reauth_reason="", changed_at=now)
            await record.save(replace(row, expiry_reported=False))
            record.clear_faults()
        record.changed()
        self._refresher.wake()

    async def disconnect(
        self, connector: str, connection: str = DEFAULT_CONNECTION
    ) -> ConnectionStatus:
        """Revoke the tokens at the provider (best effort, at most 10 s) and delete them here.

        Harmless when there are none. Raises NotFound, StorageFailed.
        """
        return await self._remove(connector, connection, revoke=True)

    async def delete(self, connector: str, connection: str = DEFAULT_CONNECTION) -> None:
        """Delete the tokens without revoking them. Raises NotFound, StorageFailed."""
        await self._remove(connector, connection, revoke=False)

    async def _remove(self, connector: str, connection: str, *, revoke: bool) -> ConnectionStatus:
        record = self._table.find(connector, connection)
        async with record.lock:
            row = record.row
            if row is not None:
                if revoke:
                    await self._sessions.revoke(connector, row)
                now = self._clock.now()
                is_default = connection == DEFAULT_CONNECTION
                await record.save(
                    StoredConnection(None, now, changed_at=now) if is_default else None
                )
                record.clear_faults()
            if record.row is None:
                self._table.drop(record)
        self.events.observe(replace(self._describe(record), state="disconnected", reason=""))
        return replace(self._describe(record), state="disconnected", reason="")

    def _describe(self, record: Connection) -> ConnectionStatus:
        problem = self._problems.get(record.connector, "")
        lost = self._store.lost.get(record.connector, problem)
        status = record.status(self._clock.now(), lost)
        if problem and status.state == "connected":
            return replace(status, reason=problem)
        return status


def _check_account(before: StoredConnection | None, account: Account | None) -> None:
    old = before.account if before and before.tokens else None
    if old is None or account is None or not old.id or not account.id or old.id == account.id:
        return
    name = old.username or old.email or old.name or old.id
    raise AccountMismatch(
        f"This connection belongs to {name}: sign in with that account, or disconnect first."
    )
