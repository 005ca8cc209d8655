"""The limit of a turn that says nothing."""

from tests.support.turn_engine import FakeClock
from xo_cowork_core.sdk import ToolCall, ToolResult
from xo_cowork_core.services.turns.silence import TOOL_SECONDS, SilenceTimer

SECONDS = 100.0


def check_for(clock: FakeClock, timer: SilenceTimer, seconds: float) -> list[float]:
    """Check the timer as a turn does, for that long; return what remained each time."""
    remaining: list[float] = []
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        clock.advance(timer.check_seconds)
        remaining.append(timer.remaining())
    return remaining


def test_a_turn_without_events_reaches_its_limit() -> None:
    clock = FakeClock()
    timer = SilenceTimer(SECONDS, clock)
    assert timer.remaining() == SECONDS
    assert check_for(clock, timer, 90)[-1] == 10
    assert check_for(clock, timer, 10) == [0]


def test_an_event_restarts_the_limit_and_exceeds_it_by_one_check_at_most() -> None:
    clock = FakeClock()
    timer = SilenceTimer(SECONDS, clock)
    for _ in range(30):
        clock.advance(7)
        timer.restart()
        assert timer.remaining() == SECONDS
    timer.restart()
    began = clock.monotonic()
    check_for(clock, timer, 100)
    assert timer.remaining() > 0
    check_for(clock, timer, timer.check_seconds)
    assert timer.remaining() <= 0
    assert clock.monotonic() - began == SECONDS + timer.check_seconds


def test_a_running_tool_raises_the_limit_until_it_has_ended() -> None:
    clock = FakeClock()
    timer = SilenceTimer(SECONDS, clock)
    timer.observe(ToolCall("1", "bash"))
    assert timer.remaining() == TOOL_SECONDS
    clock.advance(1000)
    assert timer.remaining() == TOOL_SECONDS - 1000
    timer.observe(ToolResult("1", "bash", "done"))
    assert timer.remaining() <= 0
    timer.restart()
    assert timer.remaining() == SECONDS
