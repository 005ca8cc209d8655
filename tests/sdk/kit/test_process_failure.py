"""The error of a process that ended has its exit and the end of its output."""

from xo_cowork_core.sdk.kit import process_failure


def test_a_killed_process_differs_from_one_that_ended():
    assert process_failure("Agent", -9, "").message == "Agent was killed before the turn was over"
    ended = process_failure("Agent", 1, "first\nbad flag\n")
    assert ended.message == "Agent ended before the turn was over: first\nbad flag"
    assert ended.code == "crashed"


def test_long_output_is_cut_at_its_beginning():
    message = process_failure("Agent", None, "x" * 5000 + "last words").message
    assert message.endswith("last words")
    assert len(message) < 700
