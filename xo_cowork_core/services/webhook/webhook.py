"""Queues a notice of each event that a person should know of, and has them sent.

Owns a task that stores new notices, so that a slow receiver delays none, and the sender's.
"""

import asyncio
import logging
import sqlite3
from functools import partial

from pydantic import SecretStr

from xo_cowork_core.sdk import Event, HttpClient
from xo_cowork_core.services.backoff import Backoff
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.outbox import MAX_MESSAGES, Outbox
from xo_cowork_core.services.turns.running_turn import RunningTurn
from xo_cowork_core.services.webhook.notices import (
    Notice,
    connection_notice,
    finished_notice,
    input_notice,
)
from xo_cowork_core.services.webhook.receiver import Receiver
from xo_cowork_core.services.webhook.sender import WebhookSender
from xo_cowork_core.storage.database import Database

FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
STOP_SECONDS = 2.0
log = logging.getLogger("xo_cowork.webhook")


class Webhook:
    """The notices of one app. Implements `TurnListener`; reads the events of connections."""

    def __init__(
        self,
        http: HttpClient,
        database: Database,
        events: ConnectionEvents,
        clock: Clock,
        *,
        url: SecretStr,
        secret: SecretStr,
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._receiver = Receiver(database, clock, url, secret)
        self._outbox = Outbox(database, clock, "webhook_messages")
        self.sender = WebhookSender(
            http, self._outbox, clock, url=url, secret=secret, receiver=self._receiver
        )
        self._last_event = events.last_number
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._new: list[Notice] = []
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> int:
        """The number of notices that were not sent yet."""
        return self.sender.backlog + len(self._new)

    def start(self) -> None:
        """Begin to queue and send, once the server listens."""
        self._task = asyncio.create_task(self._run(), name="webhook")
        self.sender.start()

    async def stop(self) -> None:
        """Store the last notices and end the tasks."""
        await self.sender.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._take_changes()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._store()
            except Exception:
                log.exception("the last notices are lost")

    def turn_started(self, running: RunningTurn) -> None:
        """Tell when the turn waits for a person."""
        running.add_observer(partial(self._observe, running))

    def turn_ended(self, running: RunningTurn) -> None:
        """Tell that the turn has ended."""
        self._add(finished_notice(running, self._clock.now()))

    def _observe(self, running: RunningTurn, event: Event) -> None:
        notice = input_notice(running, event, self._clock.now())
        if notice is not None:
            self._add(notice)

    def _add(self, notice: Notice) -> None:
        if self.sender.is_stopped:
            return
        if len(self._new) >= MAX_MESSAGES:
            log.error("a notice is lost: too many can't be stored")
            return
        self._new.append(notice)
        self._wakeup.set()

    async def _run(self) -> None:
        while True:
            observed = self._events.next_observation()
            self._wakeup.clear()
            self._take_changes()
            try:
                await self._store()
                self._backoff.succeed()
            except Exception:
                log.exception("notices can't be stored")
                await asyncio.sleep(self._backoff.fail())
                continue
            await self._wait(observed)

    async def _wait(self, observed: asyncio.Event) -> None:
        waits = {asyncio.create_task(each.wait()) for each in (observed, self._wakeup)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _take_changes(self) -> None:
        events = self._events.after(self._last_event)
        self._last_event = self._events.last_number
        for event in events or ():
            notice = connection_notice(event)
            if notice is not None:
                self._add(notice)

    async def _store(self) -> None:
        notices, address = list(self._new), self._receiver.address

        def write(connection: sqlite3.Connection) -> None:
            for notice in notices:
                self._outbox.insert(connection, notice.message_id, address, notice.body)

        if notices:
            await self._database.write(write)
            del self._new[: len(notices)]
            self.sender.note_added(len(notices))
