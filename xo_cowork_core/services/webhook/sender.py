"""Sends the queued notices, one after the other, until the receiver has taken each.

A receiver that fails makes all of them wait, so that they stay in order; a notice that it refuses
is sent again later, and makes no other wait. Owns one task, from `start` to `stop`. It sleeps until
a notice is queued or an attempt is due again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

import orjson
from pydantic import SecretStr

from xo_cowork_core.sdk import HttpClient, UpstreamFailed, XoError
from xo_cowork_core.services.backoff import Backoff
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.outbox import Outbox, OutboxMessage
from xo_cowork_core.services.webhook.receiver import Receiver
from xo_cowork_core.services.webhook.refused_notices import RefusedNotices, is_refusal
from xo_cowork_core.services.webhook.signature import sign

REQUEST_SECONDS = 15.0
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 300.0
MAX_AGE = timedelta(hours=24)
DeliveryResult: TypeAlias = Literal["delivered", "failed", "dropped"]
DELIVERY_RESULTS: Sequence[DeliveryResult] = ("delivered", "failed", "dropped")
log = logging.getLogger("xo_cowork.webhook")


class ReceiverGone(Exception):
    """The receiver wants no notices any more (410)."""


class NoticeRefused(Exception):
    """The receiver refuses this notice; the text is for people."""


class WebhookSender:
    """Sends to one receiver. A message of another one, from before a change, is dropped.

    `counts` counts attempts by their result, `backlog` the messages that wait. `is_stopped` is set
    when the receiver has said that it wants no more, now or to an earlier server.
    """

    def __init__(
        self,
        http: HttpClient,
        outbox: Outbox,
        clock: Clock,
        *,
        url: SecretStr,
        secret: SecretStr,
        receiver: Receiver,
        refused: RefusedNotices | None = None,
    ) -> None:
        self._http = http
        self._outbox = outbox
        self._clock = clock
        self._url = url
        self._secret = secret
        self._receiver = receiver
        self._refused = refused or RefusedNotices()
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.counts: Counter[DeliveryResult] = Counter(dict.fromkeys(DELIVERY_RESULTS, 0))
        self.backlog = 0
        self.is_stopped = False

    def start(self) -> None:
        """Begin to send. What the last server left is sent first."""
        self._task = asyncio.create_task(self._run(), name="webhook sender")

    async def stop(self) -> None:
        """End the task. What is queued stays for the next server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def note_added(self, count: int) -> None:
        """Send messages that were queued now."""
        self.backlog += count
        self._wakeup.set()

    async def _run(self) -> None:
        while not self.is_stopped:
            self._wakeup.clear()
            try:
                if await self._receiver.is_gone():
                    raise ReceiverGone
                await self._send_all()
            except ReceiverGone:
                self.is_stopped = True
                await self._drop_all()
            except Exception as error:
                self.counts["failed"] += 1
                pause = self._backoff.fail()
                if isinstance(error, XoError):
                    log.warning("a notice was not sent: %s", error.message)
                else:
                    log.exception("notices are not sent")
                # a new notice does not shorten the pause
                await asyncio.sleep(pause)
            else:
                await self._wait()

    async def _wait(self) -> None:
        """Wait for a new notice, or until a refused one is due again."""
        try:
            async with asyncio.timeout(self._refused.pause(self._clock.now())):
                await self._wakeup.wait()
        except TimeoutError:
            return

    async def _send_all(self) -> None:
        while (message := await self._next()) is not None:
            is_old = self._clock.now() - message.created_at > MAX_AGE
            if is_old or message.account != self._receiver.address:
                self._count_dropped("it is old" if is_old else "it is of another receiver")
            elif not await self._is_done_with(message):
                continue
            self._refused.remove(message.number)
            await self._outbox.remove(message)

    async def _next(self) -> OutboxMessage | None:
        self.backlog = await self._outbox.count()
        waiting = self._refused.waiting(self._clock.now())
        message = await self._outbox.first(waiting) if self.backlog else None
        if message is None:
            # the queue may have dropped others as its oldest
            self._refused.retain(waiting)
        return message

    async def _is_done_with(self, message: OutboxMessage) -> bool:
        """Send a message, and return whether it is taken or is not sent again.

        Raises ReceiverGone, Unavailable, UpstreamFailed.
        """
        try:
            await self._send(message)
        except NoticeRefused as error:
            self._backoff.succeed()
            if not self._refused.add(message.number, self._clock.now()):
                self._count_dropped(str(error))
                return True
            self.counts["failed"] += 1
            log.warning("a notice was not sent, later ones are: %s", error)
            return False
        self.counts["delivered"] += 1
        self._backoff.succeed()
        return True

    def _count_dropped(self, reason: str) -> None:
        self.counts["dropped"] += 1
        log.error("a notice was dropped: %s", reason)

    async def _send(self, message: OutboxMessage) -> None:
        """Send one message. Raises ReceiverGone, NoticeRefused, Unavailable, UpstreamFailed."""
        body = orjson.dumps(message.body)
        timestamp = int(self._clock.now().timestamp())
        answer = await self._http.request(
            "POST",
            self._url.get_secret_value(),
            headers={
                "content-type": "application/json",
                "webhook-id": message.key,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(self._secret, message.key, timestamp, body),
            },
            content=body,
            timeout=REQUEST_SECONDS,
        )
        if answer.status == 410:
            raise ReceiverGone
        if is_refusal(answer.status):
            raise NoticeRefused(f"the receiver answered with status {answer.status}")
        if not 200 <= answer.status < 300:
            raise UpstreamFailed(f"the receiver answered with status {answer.status}")

    async def _drop_all(self) -> None:
        try:
            await self._receiver.set_gone()
            await self._outbox.clear()
        except Exception:
            log.exception("the end of the webhook can't be stored")
        log.error(
            "the receiver wants no more notices (410): none is sent until XO_WEBHOOK_URL or "
            "XO_WEBHOOK_SECRET is changed"
        )
