"""The runtime: selects a scenario for each turn and runs it.

Between turns it keeps only which sessions may change files unasked; the host keeps its history.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

from xo_cowork_core.sdk import (
    Answers,
    ClosesSessions,
    EditsHistory,
    Event,
    Interrupts,
    Runtime,
    RuntimeInfo,
    Turn,
    TurnAnswer,
)
from xo_cowork_core.sdk.kit import ActiveTurns
from xo_runtime_demo.prompt import parse_prompt
from xo_runtime_demo.scenario_context import ScenarioContext, TurnStopped
from xo_runtime_demo.scenarios import BY_WORD

INFO = RuntimeInfo(name="demo", title="Demo", rank=1000)


class DemoRuntime(Runtime, Interrupts, Answers, EditsHistory, ClosesSessions):
    """A scripted agent."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._turns = ActiveTurns[ScenarioContext]()
        self._trusted_sessions: set[str] = set()

    def describe(self) -> RuntimeInfo:
        return INFO

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        request = parse_prompt(turn.text, BY_WORD)
        word = request.scenario or ("plan" if turn.mode == "plan" else "text")
        context = ScenarioContext(turn, request, self._trusted_sessions)
        self._log.debug("stream %s runs the scenario %s", turn.stream_id, word)
        aborted = False
        try:
            with self._turns.running(turn, context):
                if self._turns.is_interrupted(turn):
                    await context.interrupt()
                for event in context.start():
                    yield event
                async with aclosing(BY_WORD[word].run(context)) as events:
                    async for event in events:
                        yield event
        except TurnStopped:
            aborted = True
        finally:
            self._turns.remove(turn)
        for event in context.end(aborted=aborted):
            yield event

    async def interrupt(self, turn: Turn) -> None:
        await self._turns.interrupt(turn)

    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        await self._turns.answer(turn, call_id, answer)

    async def close_session(self, session_id: str) -> None:
        self._trusted_sessions.discard(session_id)

    async def drop(self, session_id: str, message_id: str) -> None:
        """Do nothing: the host forgets the messages, the demo has none."""
