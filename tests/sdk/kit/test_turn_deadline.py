"""Turns are given up by silence, by a model that can't be reached, and by their length."""

import asyncio
from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.kit import TurnDeadline, TurnLimits

pytestmark = pytest.mark.anyio
LIMITS = TurnLimits(silent=10, total=100, connection=4)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """The event loop's time, set by hand while a deadline is used."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> Iterator[Clock]:
    clock = Clock()

    class Loop:
        time = staticmethod(clock)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", Loop)
        yield clock


def test_silence_counts_from_the_last_progress(clock: Clock) -> None:
    deadline = TurnDeadline("Agent", LIMITS)
    assert deadline.at() == 1010
    clock.now += 7
    deadline.note_progress()
    assert deadline.at() == 1017
    assert deadline.at(tools_running=True) == 1037
    assert deadline.at(is_retrying=True, tools_running=True) == 1011
    assert deadline.at(seconds=2) == 1009


def test_no_wait_outlasts_the_turn(clock: Clock) -> None:
    deadline = TurnDeadline("Agent", LIMITS)
    clock.now += 95
    deadline.note_progress()
    assert deadline.at() == deadline.end == 1100
    deadline.limit_to(2)
    assert deadline.at() == deadline.end == 1097
    deadline.limit_to(50)
    assert deadline.end == 1097


def test_a_turn_without_a_total_limit_has_no_end(clock: Clock) -> None:
    deadline = TurnDeadline("Agent", TurnLimits(silent=10))
    assert deadline.end is None
    deadline.limit_to(3)
    assert deadline.at() == 1003


def test_the_error_names_the_limit_that_was_reached(clock: Clock) -> None:
    deadline = TurnDeadline("Agent", LIMITS)
    silent, unreachable = deadline.failure(), deadline.failure("HTTP 503")
    assert (silent.message, silent.code) == (
        "Agent was silent for 10 s, so it was stopped",
        "timeout",
    )
    assert unreachable.message == "The model was not reached within 4 s: HTTP 503"
    assert unreachable.code == "network"
    clock.now += 100
    long = deadline.failure("HTTP 503")
    assert (long.message, long.code) == ("The turn ran for 100 s, so it was stopped", "timeout")
