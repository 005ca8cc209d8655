"""One running turn as a scenario sees it: pauses, answers, the token count."""

import asyncio
import re
from collections.abc import Iterator

from xo_cowork_core.sdk import Done, Event, TextDelta, Tokens, Turn, TurnAnswer
from xo_cowork_core.sdk.events.base import StepReason
from xo_cowork_core.sdk.kit import PendingAnswers, StepCounter
from xo_runtime_demo.prompt import ScenarioRequest

MODEL = "demo"
ANSWER_SECONDS = 24 * 3600.0
CHARACTERS_PER_TOKEN = 4
WORD_BY_WORD_CHARACTERS = 20_000
PIECE_CHARACTERS = 64 * 1024
WORDS = re.compile(r"\S+\s*|\s+")


class TurnStopped(Exception):
    """The turn was interrupted."""


class ScenarioContext:
    """A running turn. Lives on the event loop and owns no task.

    `trusted_sessions` are those whose file changes a person has allowed once and for all.
    """

    def __init__(self, turn: Turn, request: ScenarioRequest, trusted_sessions: set[str]) -> None:
        self.trusted_sessions = trusted_sessions
        self.turn = turn
        self.request = request
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._pending = PendingAnswers[asyncio.Future[TurnAnswer]]("The demo")
        self._steps = StepCounter()
        self._calls = 0
        self._input_tokens = 1 + len(turn.text) // CHARACTERS_PER_TOKEN
        self._output_characters = 0
        self._reasoning_characters = 0

    def new_call_id(self) -> str:
        """Return a call id that no other turn has."""
        self._calls += 1
        return f"demo-{self.turn.stream_id[:8]}-{self._calls}"

    def text_deltas(self, text: str) -> Iterator[TextDelta]:
        """Count a text as output and cut it into deltas: words, or 64 K pieces of a long one."""
        self.count_output(len(text))
        if len(text) <= WORD_BY_WORD_CHARACTERS:
            pieces: Iterator[str] = (match.group() for match in WORDS.finditer(text))
        else:
            starts = range(0, len(text), PIECE_CHARACTERS)
            pieces = (text[start : start + PIECE_CHARACTERS] for start in starts)
        return map(TextDelta, pieces)

    def count_output(self, characters: int, *, reasoning: bool = False) -> None:
        """Count characters as output of the open step."""
        self._output_characters += characters
        self._reasoning_characters += characters if reasoning else 0

    def start(self) -> list[Event]:
        """Start the first step."""
        return self._steps.start()

    def next_step(self) -> list[Event]:
        """End a step whose tools have run, and start the next."""
        return [*self._finish_step("tool_use"), *self._steps.start()]

    def end(self, *, aborted: bool) -> list[Event]:
        """End the last step and the turn."""
        last = self._finish_step("stop")
        tokens, cost = self._steps.tokens, self._steps.cost
        reason = "aborted" if aborted else "stop"
        return [*last, Done(reason, tokens, cost, model_id=MODEL, provider_id=MODEL)]

    async def pause(self, seconds: float) -> None:
        """Wait. Raises `TurnStopped`."""
        await asyncio.wait({self._stopped}, timeout=seconds)
        self.raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise `TurnStopped` when the turn was interrupted."""
        if self._stopped.done():
            raise TurnStopped

    def expect_answer(self, call_id: str) -> asyncio.Future[TurnAnswer]:
        """Take an answer for this call from now on. Call it before the request is yielded."""
        pending = self._loop.create_future()
        self._pending.add(call_id, pending)
        return pending

    async def wait_for(self, pending: asyncio.Future[TurnAnswer]) -> TurnAnswer:
        """Wait for an expected answer. Raises `TurnStopped`, also after 24 hours."""
        await asyncio.wait(
            {pending, self._stopped},
            timeout=ANSWER_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not pending.done():
            raise TurnStopped
        return pending.result()

    async def interrupt(self) -> None:
        """Make the pause that lasts, or else the next one, raise `TurnStopped`."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass an answer on. Raises `NotFound` when no request with this id waits for one."""
        self._pending.take(call_id).set_result(answer)

    def _finish_step(self, reason: StepReason) -> list[Event]:
        output = -(-self._output_characters // CHARACTERS_PER_TOKEN)
        reasoning = -(-self._reasoning_characters // CHARACTERS_PER_TOKEN)
        tokens = Tokens(input=self._input_tokens, output=output, reasoning=reasoning)
        self._input_tokens += output
        self._output_characters = self._reasoning_characters = 0
        return self._steps.finish(reason, tokens, 0.0)
