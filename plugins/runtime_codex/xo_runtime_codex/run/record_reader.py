"""Read the server's records of one turn within its time limits. Owns no task."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from xo_cowork_core.sdk.kit import TurnDeadline
from xo_runtime_codex.run.interactions import TurnInteractions
from xo_runtime_codex.run.translator import Translator
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue


class RecordReader:
    """Reads batches until the turn is silent for too long. The user's answers take any time."""

    def __init__(
        self, translator: Translator, interactions: TurnInteractions, deadline: TurnDeadline
    ) -> None:
        self._translator = translator
        self._interactions = interactions
        self._deadline = deadline
        self._timeout: asyncio.Timeout | None = None

    async def batches(self, queue: ThreadQueue) -> AsyncIterator[Sequence[Record]]:
        """Yield batches until the queue ends. Raises `AgentFailure` at the deadline."""
        while True:
            progress = self._translator.progress
            try:
                async with asyncio.timeout_at(self._wake_time()) as self._timeout:
                    records = await queue.get()
            except TimeoutError:
                raise self._deadline.failure(self._translator.retrying or None) from None
            finally:
                # an answer may come while a batch is handled: nothing to reschedule then
                self._timeout = None
            if records is None:
                return
            yield records
            if self._translator.progress != progress:
                self._deadline.note_progress()

    def note_answer(self) -> None:
        """Count an answer of the user as progress, also in a wait that has begun."""
        self._deadline.note_progress()
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._wake_time())

    def _wake_time(self) -> float | None:
        if self._interactions.has_pending:
            return self._deadline.end
        translator = self._translator
        return self._deadline.at(
            is_retrying=bool(translator.retrying), tools_running=translator.tools_running
        )
