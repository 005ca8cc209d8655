"""All connections of one app: their tokens, and their states."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import SecretStr

from xo_cowork_core.sdk import Turn, Unauthorized, XoError
from xo_cowork_core.sdk.connector import Account, SignInMethod, TokenSet
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.account_checks import AccountChecks
from xo_cowork_core.services.connectors.connection import Connection
from xo_cowork_core.services.connectors.connection_table import ConnectionTable
from xo_cowork_core.services.connectors.connector_calls import list_methods, turn_environment
from xo_cowork_core.services.connectors.errors import AccountMismatch
from xo_cowork_core.services.connectors.oauth_sessions import OAuthSessions, find_connector
from xo_cowork_core.services.connectors.status import DEFAULT_CONNECTION, ConnectionStatus
from xo_cowork_core.services.connectors.token_refresher import TokenRefresher
from xo_cowork_core.services.connectors.token_store import StoredConnection, TokenStore
from xo_cowork_core.services.runtimes.registry import Registry

ENVIRONMENT_SECONDS = 5.0
log = logging.getLogger("xo_cowork.connectors")


class Connections:
    """Keeps the tokens of all connectors. It owns a refresher and the checks; `stop` ends them."""

    def __init__(
        self, registry: Registry, store: TokenStore, sessions: OAuthSessions, clock: Clock
    ) -> None:
        self._registry = registry
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._table = ConnectionTable(registry, store)
        self._refresher = TokenRefresher(sessions, clock, self._table.stored)
        self._checks = AccountChecks(registry, self._refresher, clock)

    async def start(self) -> None:
        """Read the stored connections and begin to refresh them."""
        await self._store.start()
        self._refresher.start()

    async def stop(self) -> None:
        """End all tasks."""
        await self._checks.stop()
        await self._refresher.stop()
        await self._store.stop()

    def statuses(self) -> Sequence[ConnectionStatus]:
        """Return the connections of every registered connector, `default` first. From memory."""
        return [
            self.status(connector, name)
            for connector in sorted(self._registry.connectors)
            for name in self._table.names(connector)
        ]

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

    def methods(self, connector: str) -> Sequence[SignInMethod]:
        """Return the connector's sign-in methods. Raises NotFound, UpstreamFailed."""
        return list_methods(find_connector(self._registry, connector))

    async def get(self, connector: str, connection: str = DEFAULT_CONNECTION) -> TokenSet:
        """Return tokens for the next 60 s, refreshed if need be.

        Raises NotFound, NeedsAuth, and Unavailable while an expired token can't be refreshed.
        """
        record = self._table.find(connector, connection)
        return await self._refresher.valid_tokens(
            record, f"No account of {connector} is signed in."
        )

    async def turn_environment(self, connector: str, turn: Turn) -> Mapping[str, SecretStr]:
        """Return what a connector adds to the environment of a turn's agent; never raises.

        Nothing while its default connection is not signed in, or takes longer than 5 s to refresh.
        """
        registered = self._registry.connectors.get(connector)
        if registered is None or not registered.plugin.serves:
            return {}
        try:
            async with asyncio.timeout(ENVIRONMENT_SECONDS):
                tokens = await self.get(connector)
        except Unauthorized:
            return {}
        except (XoError, TimeoutError):
            log.warning("connector %s: a turn starts without its tokens", connector)
            return {}
        return turn_environment(registered, turn, tokens)

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
        self._refresher.wake()

    async def set_tokens(self, connector: str, connection: str, tokens: TokenSet) -> None:
        """Store tokens that a plugin got by itself. Raises as `connect`."""
        record = self._table.obtain(connector, connection)
        async with record.lock:
            now = self._clock.now()
            row = record.row or StoredConnection(None, now)
            await record.save(
                replace(row, tokens=tokens, obtained_at=now, reauth_reason="", changed_at=now)
            )
            record.clear_faults()
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
        return replace(self._describe(record), state="disconnected", reason="")

    def _describe(self, record: Connection) -> ConnectionStatus:
        lost = self._store.lost.get(record.connector, "")
        return record.status(self._clock.now(), lost)


def _check_account(before: StoredConnection | None, account: Account | None) -> None:
    old = before.account if before and before.tokens else None
    if old is None or account is None or not old.id or not account.id or old.id == account.id:
        return
    name = old.username or old.email or old.name or old.id
    raise AccountMismatch(
        f"This connection belongs to {name}: sign in with that account, or disconnect first."
    )
