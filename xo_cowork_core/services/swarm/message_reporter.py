"""Reports the messages of the older chat to the XO service: the person's, then the agent's.

Owns one task, from `start` to `stop`. It sleeps until a message is queued, a turn ends or a failed
attempt is due again.
"""

import asyncio
import logging

import orjson

from xo_cowork_core.sdk import Unauthorized, XoError
from xo_cowork_core.services.backoff import Backoff
from xo_cowork_core.services.eventlog.batches import split
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.eventlog.reader import open_reader
from xo_cowork_core.services.identity.identity import Identity
from xo_cowork_core.services.swarm.message_queue import MessageQueue, OpenQuestion
from xo_cowork_core.services.swarm.swarm_api import RecordRefused, SwarmApi
from xo_cowork_core.services.turns.running_turn import RunningTurn

FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 300.0
READ_SECONDS = 10.0
MAX_TEXT_CHARACTERS = 256 * 1024
log = logging.getLogger("xo_cowork.swarm")


class MessageReporter:
    """Reports each message once, while the server is signed in. Nothing is kept otherwise."""

    def __init__(
        self, api: SwarmApi, identity: Identity, queue: MessageQueue, eventlog: EventLog
    ) -> None:
        self._api = api
        self._identity = identity
        self._queue = queue
        self._eventlog = eventlog
        self._backoff = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS)
        self._wakeup = asyncio.Event()
        self._running: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send. What the last server left is sent first."""
        if self._identity.base_url:
            self._wakeup.set()
            self._task = asyncio.create_task(self._run(), name="swarm messages")

    async def stop(self) -> None:
        """End the task. What is queued stays for the next server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def question_asked(
        self, stream_id: str, project_id: str, user_id: str, text: str
    ) -> None:
        """Queue a person's message; called once its turn runs."""
        if not self._identity.state().authenticated:
            return
        # answers come before the next question
        await self._queue_answers()
        question = OpenQuestion(stream_id, self._identity.account_key(), project_id, user_id)
        await self._queue.add_question(question, _body(question, text, "@xo"))
        self._wakeup.set()

    def turn_started(self, running: RunningTurn) -> None:
        """Note that a turn runs: its answer is not complete."""
        self._running.add(running.turn.stream_id)

    def turn_ended(self, running: RunningTurn) -> None:
        """Look for the answer, if the turn is one of the older chat."""
        self._running.discard(running.turn.stream_id)
        self._wakeup.set()

    async def _run(self) -> None:
        pause: float | None = None
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
            except TimeoutError:
                pass
            self._wakeup.clear()
            try:
                await self._queue_answers()
                await self._send_all()
            except Exception as error:
                pause = self._backoff.fail()
                if not isinstance(error, XoError):
                    log.exception("messages are not reported")
                elif not isinstance(error, Unauthorized):
                    log.warning("messages are not reported: %s", error.message)
                # a new message does not shorten the pause
                await asyncio.sleep(pause)
            else:
                self._backoff.succeed()
                pause = None

    async def _queue_answers(self) -> None:
        for question in await self._queue.open_questions():
            if question.stream_id not in self._running:
                text = await self._read_answer(question.stream_id)
                body = _body(question, text, "agent") if text else None
                await self._queue.add_answer(question, body)

    async def _send_all(self) -> None:
        while (message := await self._queue.outbox.first()) is not None:
            if message.account == self._identity.account_key():
                try:
                    await self._api.add_message(message.key, {**message.body})
                except RecordRefused as refusal:
                    log.error("a message was refused and is not sent again: %s", refusal)
            elif not self._identity.state().authenticated:
                return
            await self._queue.outbox.remove(message)

    async def _read_answer(self, stream_id: str) -> str:
        """Return the text of an ended turn, or why it failed; empty for one that is gone."""
        reader = await open_reader(self._eventlog, stream_id, 0)
        texts: list[str] = []
        failure = ""
        while reader is not None:
            batch = await reader.next(READ_SECONDS)
            if batch is None:
                break
            for name, data in map(split, batch.entries):
                if name == "text-delta":
                    texts.append(orjson.loads(data)["text"])
                elif name == "desync":
                    texts.clear()
                elif name == "agent-error":
                    failure = orjson.loads(data)["error_message"]
            if batch.terminal:
                break
        return "".join(texts) or failure


def _body(question: OpenQuestion, text: str, kind: str) -> dict[str, str]:
    return {
        "project_id": question.project_id,
        "user_id": question.user_id,
        "message": text[:MAX_TEXT_CHARACTERS],
        "type": kind,
    }
