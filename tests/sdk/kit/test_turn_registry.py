"""Interrupts and answers reach the run of their turn, also around its beginning and its end."""

import dataclasses
from pathlib import Path

import pytest

from xo_cowork_core.sdk import NotFound, PermissionAnswer, Turn, TurnAnswer
from xo_cowork_core.sdk.kit import ActiveTurns
from xo_cowork_core.sdk.kit.turn_registry import EARLY_INTERRUPTS

pytestmark = pytest.mark.anyio
TURN = Turn("stream", "session", "hello", Path("/"))
ANSWER = PermissionAnswer(allow=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Run:
    """Records what reaches it."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    async def interrupt(self) -> None:
        self.calls.append("interrupt")

    async def answer(self, call_id: str, answer: TurnAnswer) -> None:
        self.calls.append((call_id, answer))


async def test_interrupts_and_answers_reach_the_run() -> None:
    turns, run = ActiveTurns[Run](), Run()
    with turns.running(TURN, run):
        assert turns.find("stream") is turns.find_session("session") is run
        await turns.answer(TURN, "call", ANSWER)
        await turns.interrupt(TURN)
    assert run.calls == [("call", ANSWER), "interrupt"]
    assert turns.find("stream") is turns.find_session("session") is None


async def test_a_run_receives_an_interrupt_from_before_its_start() -> None:
    turns = ActiveTurns[Run]()
    await turns.interrupt(TURN)
    with turns.running(TURN, Run()):
        assert turns.is_interrupted(TURN)
    assert turns.is_interrupted(TURN)  # the next attempt must not start
    turns.remove(TURN)
    assert not turns.is_interrupted(TURN)


async def test_a_second_attempt_takes_the_place_of_the_first() -> None:
    turns, first, second = ActiveTurns[Run](), Run(), Run()
    first_attempt = turns.running(TURN, first)
    with first_attempt:
        second_attempt = turns.running(TURN, second)
        second_attempt.__enter__()
    await turns.interrupt(TURN)
    assert (first.calls, second.calls) == ([], ["interrupt"])
    second_attempt.__exit__(None, None, None)
    assert len(turns) == 0


async def test_an_answer_without_a_run_is_not_found() -> None:
    with pytest.raises(NotFound):
        await ActiveTurns[Run]().answer(TURN, "call", ANSWER)


async def test_interrupts_of_turns_that_never_began_are_forgotten_at_last() -> None:
    turns = ActiveTurns[Run]()
    await turns.interrupt(TURN)
    for number in range(EARLY_INTERRUPTS):
        await turns.interrupt(dataclasses.replace(TURN, stream_id=str(number)))
    assert not turns.is_interrupted(TURN)


async def test_all_runs_can_be_interrupted_while_some_of_them_end() -> None:
    turns, runs = ActiveTurns[Run](), [Run(), Run()]
    others = [dataclasses.replace(TURN, stream_id=f"stream {number}") for number in (1, 2)]
    with turns.running(others[0], runs[0]), turns.running(others[1], runs[1]):
        for run in turns:
            turns.remove(others[1])
            await run.interrupt()
    assert [run.calls for run in runs] == [["interrupt"], ["interrupt"]]
