"""Consumes approved browser sign-ins: their tokens come once, and are stored before they are used.

Owns the consumptions that run, and the task that consumes the sign-in of the settings; `stop` ends
them.
"""

import asyncio
import logging

from pydantic import SecretStr

from xo_cowork_core.sdk import Unauthorized, XoError
from xo_cowork_core.sdk.connector import Account, TokenSet
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.connection import Connection
from xo_cowork_core.services.connectors.token_store import StoredConnection
from xo_cowork_core.services.identity.identity_api import IdentityApi
from xo_cowork_core.services.identity.sign_in_journal import SignInJournal

STOP_SECONDS = 2.0
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
log = logging.getLogger("xo_cowork.identity")


class SignInConsumer:
    """Puts the tokens of consumed sign-ins into `connection`."""

    def __init__(
        self, api: IdentityApi, connection: Connection, journal: SignInJournal, clock: Clock
    ) -> None:
        self._api = api
        self._connection = connection
        self._journal = journal
        self._clock = clock
        self._lock = asyncio.Lock()
        self._consumptions = set[asyncio.Task[StoredConnection]]()
        self._configured: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """End all tasks; a consumption that runs gets 2 s."""
        if self._configured is not None:
            self._configured.cancel()
            await asyncio.wait({self._configured})
        if self._consumptions:
            _, late = await asyncio.wait(self._consumptions, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def consume(self, auth_session_id: str, poll_token: SecretStr) -> StoredConnection:
        """Exchange a sign-in for tokens; a repetition after a success has the same result.

        Raises Unauthorized when the service refuses it, UpstreamFailed, StorageFailed.
        """
        task = asyncio.create_task(self._consume(auth_session_id, poll_token), name="consume")
        self._consumptions.add(task)
        task.add_done_callback(self._consumptions.discard)
        # a client that leaves must not lose the tokens
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    def start_configured(self, auth_session_id: str, poll_token: SecretStr) -> None:
        """Consume the sign-in of the settings once, in the background, also over restarts."""
        consuming = self._consume_configured(auth_session_id, poll_token)
        self._configured = asyncio.create_task(consuming, name="configured sign-in")

    async def _consume(self, auth_session_id: str, poll_token: SecretStr) -> StoredConnection:
        async with self._lock:
            row = self._connection.row
            is_consumed = row is not None and session_id_of(row) == auth_session_id
            if row is not None and is_consumed and self._connection.usable_tokens() is not None:
                return row
            tokens = await self._api.consume(auth_session_id, poll_token)
            row = await self._row(tokens, auth_session_id)
            async with self._connection.lock:
                await self._connection.save(row)
                self._connection.clear_faults()
        await self._journal.remove(auth_session_id)
        return row

    async def _row(self, tokens: TokenSet, auth_session_id: str) -> StoredConnection:
        now = self._clock.now()
        return StoredConnection(
            tokens=TokenSet(
                access_token=tokens.access_token,
                refresh_token=tokens.refresh_token,
                expires_at=tokens.expires_at,
                scopes=tokens.scopes,
                extra={"auth_session_id": SecretStr(auth_session_id)},
            ),
            obtained_at=now,
            method="browser",
            refreshes=True,
            account=await self._identify(tokens),
            changed_at=now,
        )

    async def _identify(self, tokens: TokenSet) -> Account:
        """Return whose tokens these are; without an id while the service does not say."""
        if user_id := tokens.extra.get("user_id"):
            return Account(user_id.get_secret_value())
        try:
            return await self._api.identify(tokens.access_token)
        except XoError as error:
            log.warning("the account of the new sign-in is not known: %s", error.message)
            return Account("")

    async def _consume_configured(self, auth_session_id: str, poll_token: SecretStr) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._journal.is_consumed(auth_session_id):
            try:
                await self.consume(auth_session_id, poll_token)
                await self._journal.mark_consumed(auth_session_id)
            except Unauthorized as error:
                log.warning("the sign-in of XO_AUTH_SESSION_ID failed: %s", error.message)
                await self._journal.mark_consumed(auth_session_id)
            except XoError as error:
                if pause == FIRST_RETRY_SECONDS:
                    log.warning("the sign-in of XO_AUTH_SESSION_ID waits: %s", error.message)
                await asyncio.sleep(pause)
                pause = min(MAX_RETRY_SECONDS, 2 * pause)


def session_id_of(row: StoredConnection) -> str | None:
    """Return the browser sign-in from which a connection's tokens came."""
    secret = row.tokens.extra.get("auth_session_id") if row.tokens else None
    return secret.get_secret_value() if secret else None
