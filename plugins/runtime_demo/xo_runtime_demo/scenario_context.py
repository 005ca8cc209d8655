"""What a scenario sees of its turn: pauses, answers, the token count."""

import asyncio
import re
from collections.abc import Iterator

from xo_cowork_core.sdk import (
    Done,
    StepFinish,
    StepStart,
    TextDelta,
    Tokens,
    Turn,
    TurnAnswer,
)
from xo_runtime_demo.prompt import Request

MODEL = "demo"
ANSWER_SECONDS = 24 * 3600.0
CHARACTERS_PER_TOKEN = 4
WORD_BY_WORD_CHARACTERS = 20_000
PIECE_CHARACTERS = 64 * 1024
PIECES = re.compile(r"\S+\s*|\s+")


class Stopped(Exception):
    """Somebody asked the turn to stop."""


class ScenarioContext:
    """One running turn. Lives on the event loop."""

    def __init__(self, turn: Turn, request: Request) -> None:
        self.turn = turn
        self.request = request
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[str, asyncio.Future[TurnAnswer]] = {}
        self._step = 1
        self._calls = 0
        self._input = 1 + len(turn.text) // CHARACTERS_PER_TOKEN
        self._characters = 0
        self._thought = 0
        self._spent = Tokens()

    def call_id(self) -> str:
        """Make a call id that no other turn has."""
        self._calls += 1
        return f"demo-{self.turn.stream_id[:8]}-{self._calls}"

    def say(self, text: str) -> Iterator[TextDelta]:
        """Cut a text into deltas: by words, a very long one into pieces."""
        self.count(len(text))
        if len(text) <= WORD_BY_WORD_CHARACTERS:
            pieces: Iterator[str] = (found.group() for found in PIECES.finditer(text))
        else:
            starts = range(0, len(text), PIECE_CHARACTERS)
            pieces = (text[start : start + PIECE_CHARACTERS] for start in starts)
        return map(TextDelta, pieces)

    def count(self, characters: int, *, thought: bool = False) -> None:
        """Count characters as output of the step."""
        self._characters += characters
        self._thought += characters if thought else 0

    def next_step(self) -> tuple[StepFinish, StepStart]:
        """End a step whose tools have run, and start the next."""
        self._step += 1
        return self._end_step(StepFinish("tool_use")), StepStart(self._step)

    def end(self, *, aborted: bool) -> tuple[StepFinish, Done]:
        """End the last step and the turn."""
        last = self._end_step(StepFinish("stop"))
        reason = "aborted" if aborted else "stop"
        return last, Done(reason, self._spent, 0.0, model_id=MODEL, provider_id=MODEL)

    def _end_step(self, shape: StepFinish) -> StepFinish:
        output = -(-self._characters // CHARACTERS_PER_TOKEN)
        reasoning = -(-self._thought // CHARACTERS_PER_TOKEN)
        tokens = Tokens(input=self._input, output=output, reasoning=reasoning)
        self._input += output
        self._characters = self._thought = 0
        self._spent += tokens
        return StepFinish(shape.reason, tokens, 0.0)

    def stop(self) -> None:
        """Make the next pause, or the one that lasts, raise `Stopped`."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def pause(self, seconds: float) -> None:
        """Wait. Raises `Stopped`."""
        await asyncio.wait({self._stopped}, timeout=seconds)
        self.check()

    def check(self) -> None:
        """Raise `Stopped` when somebody asked for it."""
        if self._stopped.done():
            raise Stopped

    def give(self, call_id: str, answer: TurnAnswer) -> None:
        """Pass on an answer; it may come before the scenario waits for it."""
        waiting = self._answer(call_id)
        if not waiting.done():
            waiting.set_result(answer)

    async def wait_for(self, call_id: str) -> TurnAnswer:
        """Wait for the answer to a request. Raises `Stopped`, also when nobody ever answers."""
        waiting = self._answer(call_id)
        await asyncio.wait(
            {waiting, self._stopped},
            timeout=ANSWER_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not waiting.done():
            raise Stopped
        return waiting.result()

    def _answer(self, call_id: str) -> asyncio.Future[TurnAnswer]:
        if call_id not in self._answers:
            self._answers[call_id] = self._loop.create_future()
        return self._answers[call_id]
