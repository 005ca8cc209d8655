"""Answers stored by `Idempotency-Key` for 24 h, also across a restart.

A row without an answer belongs to a request that runs, that a restart interrupted, or whose answer
could not be stored. Whether the last two did their work is unknown, so their keys are refused.
"""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple, TypeAlias

import orjson

from xo_cowork_core.sdk import Conflict, Unavailable
from xo_cowork_core.services.clock import Clock, stamp
from xo_cowork_core.storage.database import Database

KEEP = timedelta(hours=24)
WAIT_SECONDS = 300.0
# request, status, headers, body, boot
Row: TypeAlias = tuple[str, int | None, bytes | None, bytes | None, str]
log = logging.getLogger("xo_cowork.idempotency")


class StoredAnswer(NamedTuple):
    """An HTTP answer: status, headers as sent, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Idempotency:
    """The idempotency keys of one server."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._boot = str(uuid.uuid4())
        self._running: dict[str, asyncio.Event] = {}

    async def begin(self, key: str, request: str) -> StoredAnswer | None:
        """Take a key for `request` (hash of route and body), or return its stored answer.

        After None the caller does the work, then calls `finish` or `release`. While an equal
        request runs this waits for it. Raises Conflict for another request under the same key and
        for one whose answer is unknown; Unavailable when the key can't be stored.
        """
        while True:
            row = await self._take(key, request)
            if row is None:
                self._running[key] = asyncio.Event()
                return None
            answer = self._answer_of(row, request)
            if answer:
                return answer
            running = self._running.get(key)
            if running is None:
                raise Conflict(
                    "The answer to the first request with this Idempotency-Key could not be kept"
                )
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await running.wait()
            except TimeoutError:
                raise Conflict("The first request with this Idempotency-Key still runs") from None

    async def finish(self, key: str, answer: StoredAnswer) -> None:
        """Store the answer of a key that `begin` took. A failure is only logged: the work is done,
        and its answer must be sent."""
        headers = orjson.dumps(
            [[k.decode("latin-1"), v.decode("latin-1")] for k, v in answer.headers]
        )
        await self._settle(
            key,
            "UPDATE idempotency SET status = ?, headers = ?, body = ? WHERE key = ?",
            (answer.status, headers, answer.body, key),
        )

    async def release(self, key: str) -> None:
        """Delete a key whose request failed, so that it may be retried."""
        await self._settle(key, "DELETE FROM idempotency WHERE key = ?", (key,))

    async def _take(self, key: str, request: str) -> Row | None:
        try:
            return await self._database.write(
                lambda connection: self._claim(connection, key, request)
            )
        except sqlite3.Error as error:
            log.error("an Idempotency-Key could not be stored: %s", error)
            raise Unavailable("The state folder cannot be written; is its disk full?") from error

    async def _settle(self, key: str, statement: str, values: Sequence[object]) -> None:
        try:
            await self._database.write(lambda connection: connection.execute(statement, values))
        except sqlite3.Error as error:
            log.error("the outcome of an Idempotency-Key could not be stored: %s", error)
        finally:
            event = self._running.pop(key, None)
            if event:
                event.set()

    def _claim(self, connection: sqlite3.Connection, key: str, request: str) -> Row | None:
        now = self._clock.now()
        connection.execute("DELETE FROM idempotency WHERE created_at < ?", (stamp(now - KEEP),))
        row = connection.execute(
            "SELECT request, status, headers, body, boot FROM idempotency WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            connection.execute(
                "INSERT INTO idempotency (key, request, boot, created_at) VALUES (?, ?, ?, ?)",
                (key, request, self._boot, stamp(now)),
            )
        return row

    def _answer_of(self, row: Row, request: str) -> StoredAnswer | None:
        first_request, status, headers, body, boot = row
        if first_request != request:
            raise Conflict("This Idempotency-Key was used for another request")
        if status is not None:
            pairs: list[list[str]] = orjson.loads(headers or b"[]")
            return StoredAnswer(
                status,
                tuple((k.encode("latin-1"), v.encode("latin-1")) for k, v in pairs),
                body or b"",
            )
        if boot != self._boot:
            raise Conflict("A restart interrupted the first request with this Idempotency-Key")
        return None
