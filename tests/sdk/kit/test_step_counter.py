"""Each step that is opened is closed once, and figures are summed."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import StepFinish, StepStart, Tokens
from xo_cowork_core.sdk.kit import StepCounter

CALLS = {
    "start": lambda steps: steps.start(),
    "ensure": lambda steps: steps.ensure_started(),
    "finish": lambda steps: steps.finish("stop", Tokens(output=1)),
    "close": lambda steps: steps.close(failed=True),
}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(CALLS))))
def test_starts_and_finishes_alternate_and_are_numbered(calls):
    steps = StepCounter()
    events = [event for call in calls for event in CALLS[call](steps)]
    events += steps.close(failed=False)
    starts, finishes = events[::2], events[1::2]
    assert starts == [StepStart(number + 1) for number in range(len(starts))]
    assert len(finishes) == len(starts)
    assert all(isinstance(event, StepFinish) for event in finishes)
    counted = calls.count("finish")
    assert steps.tokens == (Tokens(output=counted) if counted else None)


def test_a_call_that_broke_off_ends_as_an_error_when_the_next_one_starts():
    steps = StepCounter()
    steps.start()
    assert steps.start() == [StepFinish("error"), StepStart(2)]


def test_a_call_s_figures_are_its_own_and_the_turn_s_are_the_sum():
    steps = StepCounter()
    steps.start()
    assert steps.finish("tool_use", Tokens(input=1), 0.5) == [
        StepFinish("tool_use", Tokens(input=1), 0.5)
    ]
    assert steps.finish("stop", Tokens(input=2), 0.25) == []  # reported after the step was closed
    assert (steps.tokens, steps.cost) == (Tokens(input=3), 0.75)
