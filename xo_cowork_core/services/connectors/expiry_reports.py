"""Tokens that have expired for good: one event tells it, also if no server ran at the time."""

import logging
from dataclasses import replace
from datetime import datetime

from xo_cowork_core.sdk.connector.status import ConnectionStatus
from xo_cowork_core.services.connectors.connection import Connection, is_expired
from xo_cowork_core.services.connectors.errors import StorageFailed

log = logging.getLogger("xo_cowork.connectors")


def status_at_start(
    connection: Connection, status: ConnectionStatus, now: datetime
) -> ConnectionStatus:
    """Return the status that the last server left, with which the first change is compared."""
    if _has_unreported_expiry(connection, now):
        return replace(status, state="connected")
    return status


async def record_expiry(connection: Connection, now: datetime) -> None:
    """Note that an expiry is reported by this server, so that the next one does not repeat it."""
    row = connection.row
    # a change of the tokens must not delay other connections; the next pass comes soon
    if row is None or not _has_unreported_expiry(connection, now) or connection.lock.locked():
        return
    async with connection.lock:
        try:
            await connection.save(replace(row, expiry_reported=True))
        except StorageFailed as error:
            log.warning("connector %s: %s", connection.connector, error.message)


def _has_unreported_expiry(connection: Connection, now: datetime) -> bool:
    row = connection.row
    if row is None or row.tokens is None or row.reauth_reason or row.can_refresh:
        return False
    return is_expired(row.tokens, now) and not row.expiry_reported
