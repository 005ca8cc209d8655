"""Whatever the gateway sends, a run's events stay in order, whole, and end once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import (
    AgentFailure,
    Desync,
    Done,
    StepFinish,
    StepStart,
    TextDelta,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_runtime_openclaw.gateway.frames import GatewayEvent, Response, parse
from xo_runtime_openclaw.run.segment_reconciler import SegmentReconciler
from xo_runtime_openclaw.run.translator import RunEnded, Translator

FIXTURES = Path(__file__).parent / "fixtures"
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
WORDS = ("phase", "name", "toolCallId", "args", "text", "itemId", "kind", "progressText", "result")
DATA = st.dictionaries(st.sampled_from(WORDS), ANYTHING, max_size=5)
STREAMS = st.sampled_from(["assistant", "tool", "item", "lifecycle", "thinking", "compaction", "x"])
STATES = st.sampled_from(["status", "delta", "final", "error", "aborted", "x"])
AGENT = st.fixed_dictionaries({"stream": STREAMS, "data": DATA | ANYTHING, "seq": ANYTHING})
CHAT = st.fixed_dictionaries({"state": STATES, "message": ANYTHING, "errorMessage": ANYTHING})
NOTICES = st.lists(
    st.builds(GatewayEvent, st.just("agent"), AGENT)
    | st.builds(GatewayEvent, st.just("chat"), CHAT)
    | st.builds(
        GatewayEvent,
        st.sampled_from(["session.message", "exec.approval.requested", "exec.approval.resolved"]),
        st.dictionaries(st.sampled_from(["message", "request", "id"]), ANYTHING),
    ),
    max_size=12,
)


def seen(events: Iterable[object]) -> str:
    """What a reader has after these events."""
    text = ""
    for event in events:
        if isinstance(event, Desync):
            text = ""
        elif isinstance(event, TextDelta):
            text += event.text
    return text


def assistant(text: str, item: str, seq: int, **more: object) -> GatewayEvent:
    data = {"text": text, "itemId": item, **more}
    return GatewayEvent("agent", {"stream": "assistant", "seq": seq, "data": data})


def replay(name: str) -> list[object]:
    """Translate a captured run."""
    translator, items = Translator(), list[object]()
    for frame in orjson.loads((FIXTURES / name).read_bytes()):
        items += translator.items(GatewayEvent(frame["event"], frame["payload"]))
    return items


@pytest.mark.parametrize(
    ("held", "missing"),
    [("one two", ""), ("one", ""), ("three", "\n\nthree"), ("one two\n\nthree", "\n\nthree")],
)
def test_the_text_before_a_tool_is_not_sent_again_when_a_run_is_resumed(
    held: str, missing: str
) -> None:
    text = SegmentReconciler()
    list(text.update("one two "))
    text.close()
    deltas = [event.text for event in text.resume(held) if isinstance(event, TextDelta)]
    assert "".join(deltas) == missing


@settings(deadline=None)
@given(NOTICES)
def test_no_event_breaks_the_translation(notices: list[GatewayEvent]) -> None:
    translator = Translator()
    for notice in notices:
        for item in translator.items(notice):
            if isinstance(item, RunEnded):
                assert isinstance(item.final, Done | AgentFailure)


@settings(deadline=None)
@given(st.binary(max_size=200) | ANYTHING.map(orjson.dumps))
def test_no_frame_breaks_the_reader(frame: bytes) -> None:
    assert isinstance(parse(frame), Response | GatewayEvent | None)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12), st.data())
def test_missed_and_doubled_deltas_leave_the_text_whole(
    pieces: list[str], data: st.DataObject
) -> None:
    whole = ["".join(pieces[: n + 1]) for n in range(len(pieces))]
    kept = [n for n in range(len(pieces)) if data.draw(st.booleans())] + [len(pieces) - 1]
    doubled = [n for n in kept for _ in range(data.draw(st.integers(1, 2)))]
    translator = Translator()
    events = [e for n in doubled for e in translator.items(assistant(whole[n], "a", n))]
    assert seen(events) == whole[-1]
    assert not any(isinstance(event, Desync) for event in events)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_replaced_answer_leaves_what_came_before(before: str, wrong: str, right: str) -> None:
    text = SegmentReconciler()
    events = [*text.update(before, "a")]
    text.close()
    events += [*text.update(wrong, "b"), *text.replace(""), *text.update(right, "c")]
    assert seen(events) == text.full_text
    assert text.full_text == "\n\n".join(part for part in (before, right) if part)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_a_recovered_run_sends_nothing_twice(cut: int, back: int) -> None:
    frames = orjson.loads((FIXTURES / "tool_run.json").read_bytes())
    notices = [GatewayEvent(frame["event"], frame["payload"]) for frame in frames]
    start = min(cut, back)
    translator = Translator()
    items = [i for n in [*notices[:cut], *notices[start:]] for i in translator.items(n)]
    assert sum(isinstance(item, ToolCall) for item in items) == 1
    assert sum(isinstance(item, ToolResult) for item in items) == 1
    assert seen(items).endswith("word0 word1 word2 word3")
    assert seen(items).count("word0") == 1


def test_a_captured_run_with_a_tool_is_translated_in_order() -> None:
    kinds = [type(item) for item in replay("tool_run.json")]
    order = [StepStart, TextDelta, StepFinish, ToolCall, ToolResult, StepStart, TextDelta]
    places = [kinds.index(kind) for kind in order[:5]]
    assert places == sorted(places)
    assert kinds[-1] is RunEnded
    call = next(item for item in replay("tool_run.json") if isinstance(item, ToolCall))
    assert (call.tool, call.arguments) == ("bash", {"command": "echo hello-from-tool"})
    assert seen(replay("tool_run.json")) == "let me run it.\n\nword0 word1 word2 word3"


def test_a_captured_run_that_failed_ends_in_its_own_words() -> None:
    end = next(item for item in replay("failed_run.json") if isinstance(item, RunEnded))
    assert isinstance(end.final, AgentFailure)
    assert end.final.code == "auth"
    assert end.final.message.startswith("fake/fake-1 request failed (authentication failed")


def test_a_captured_run_that_was_stopped_ends_as_aborted() -> None:
    end = next(item for item in replay("aborted_run.json") if isinstance(item, RunEnded))
    assert isinstance(end.final, Done)
    assert end.final.finish_reason == "aborted"


def test_an_empty_answer_is_reported_as_a_failure() -> None:
    def lifecycle(**data: Any) -> GatewayEvent:
        return GatewayEvent("agent", {"stream": "lifecycle", "data": data})

    translator = Translator()
    items = [*translator.items(lifecycle(phase="error", error="\u26a0\ufe0f No answer."))]
    items += translator.items(GatewayEvent("chat", {"state": "aborted", "stopReason": "stop"}))
    end = items[-1]
    assert isinstance(end, RunEnded)
    assert isinstance(end.final, AgentFailure)
    assert end.final.message == "No answer."


def test_a_failed_tool_is_an_error() -> None:
    translator = Translator()
    start = {"phase": "start", "name": "exec", "toolCallId": "c", "args": {"command": "x"}}
    end = {**start, "phase": "result", "isError": True, "result": {"content": "no"}}
    items = [
        *translator.items(GatewayEvent("agent", {"stream": "tool", "data": start})),
        *translator.items(GatewayEvent("agent", {"stream": "tool", "data": end})),
    ]
    assert items[1:] == [ToolError("c", "bash", "no", "no")]
