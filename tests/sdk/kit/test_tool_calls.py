"""Reports of tool calls become one call, the updates that change something, and one end."""

from xo_cowork_core.sdk import ToolCall, ToolError, ToolResult, ToolUpdate
from xo_cowork_core.sdk.kit import ToolCalls


def test_a_call_is_told_once_and_ends_once() -> None:
    calls = ToolCalls()
    assert calls.report("c", "bash") == [ToolCall("c", "bash", {}, "bash")]
    assert calls.report("c", "bash") == []
    assert calls.report("c", output="hi", status="completed") == [
        ToolResult("c", "bash", "hi", "bash")
    ]
    assert calls.report("c", output="late") == []
    assert calls.report("c", status="error") == []


def test_only_what_has_changed_is_told() -> None:
    calls = ToolCalls()
    calls.report("c", "bash", title="Count")
    assert calls.report("c", arguments={"command": "seq 2"}, title="Count") == [
        ToolUpdate("c", "bash", {"command": "seq 2"})
    ]
    assert calls.report("c", arguments={"command": "seq 2"}, output="1\n") == [
        ToolUpdate("c", "bash", output="1\n")
    ]
    assert calls.report("c", title="Count to 2") == [ToolUpdate("c", "bash", title="Count to 2")]
    assert calls.arguments_of("c") == {"command": "seq 2"}
    assert calls.name_of("c") == "bash"


def test_a_call_that_is_first_told_at_its_end_has_both_events() -> None:
    events = ToolCalls().report("c", "read", arguments={"a": 1}, output="no", status="error")
    assert events == [ToolCall("c", "read", {"a": 1}, "read"), ToolError("c", "read", "no")]


def test_arguments_that_come_with_the_end_are_told_before_it() -> None:
    calls = ToolCalls()
    calls.report("c", "read")
    assert calls.report("c", arguments={"a": 1}, status="completed") == [
        ToolUpdate("c", "read", {"a": 1}),
        ToolResult("c", "read", "", "read"),
    ]


def test_an_unknown_call_has_no_name_and_no_arguments() -> None:
    calls = ToolCalls()
    assert (calls.name_of("x"), calls.arguments_of("x")) == ("", {})
