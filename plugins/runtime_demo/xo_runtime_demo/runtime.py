"""The runtime: chooses a scenario for each turn and plays it.

It keeps nothing between turns; the host keeps its history.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

from xo_cowork_core.sdk import (
    Answers,
    EditsHistory,
    Event,
    Interrupts,
    NotFound,
    Runtime,
    RuntimeInfo,
    StepStart,
    Turn,
    TurnAnswer,
)
from xo_runtime_demo.prompt import read_prompt
from xo_runtime_demo.scenario_context import ScenarioContext, Stopped
from xo_runtime_demo.scenarios import BY_WORD

INFO = RuntimeInfo(name="demo", title="Demo", rank=1000)


class DemoRuntime(Runtime, Interrupts, Answers, EditsHistory):
    """A scripted agent."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._stages: dict[str, ScenarioContext] = {}

    def describe(self) -> RuntimeInfo:
        return INFO

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        request = read_prompt(turn.text, BY_WORD)
        word = request.scenario or ("plan" if turn.mode == "plan" else "text")
        stage = self._stages[turn.stream_id] = ScenarioContext(turn, request)
        self._log.debug("stream %s plays %s", turn.stream_id, word)
        aborted = False
        try:
            yield StepStart(1)
            async with aclosing(BY_WORD[word].play(stage)) as events:
                async for event in events:
                    yield event
        except Stopped:
            aborted = True
        finally:
            del self._stages[turn.stream_id]
        for event in stage.end(aborted=aborted):
            yield event

    async def interrupt(self, turn: Turn) -> None:
        stage = self._stages.get(turn.stream_id)
        if stage:
            stage.stop()

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        stage = self._stages.get(turn.stream_id)
        if stage is None:
            raise NotFound("The demo no longer waits for this answer.")
        stage.give(call_id, answer)

    async def drop(self, session_id: str, message_id: str) -> None:
        """Agree: what the host forgets, the demo never knew."""
