"""Whatever is printed, in whatever order: nothing raises, no text is lost or doubled."""

import json
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from xo_runtime_claude.run.lines import fast_text, parse
from xo_runtime_claude.run.translator import Item, Translator
from xo_runtime_claude.usage import UsageMeter

TextOf = Callable[[Sequence[Item]], str]
Record = dict[str, object]
WORDS = st.text(min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
GARBAGE = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())


def line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def delta(text: str, parent: str | None = None, session: str = "s") -> bytes:
    body = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }
    more = {"session_id": session, "parent_tool_use_id": parent, "uuid": "u"}
    return line({"type": "stream_event", "event": body, **more})


def assistant(text: str, parent: str | None = None) -> bytes:
    message = {"id": "m", "content": [{"type": "text", "text": text}]}
    return line({"type": "assistant", "message": message, "parent_tool_use_id": parent})


START = line({"type": "stream_event", "event": {"type": "message_start", "message": {}}})
RETRY = line({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 3})
TOOL = line({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t"}]}})


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[bytes], str]:
    """One model call: cut tries before it, chunks of it or none, garbage between."""
    lines = [START]
    for _ in range(draw(st.integers(0, 2))):
        lines += [delta(text) for text in draw(st.lists(WORDS, max_size=3))]
        lines.append(draw(st.sampled_from([RETRY, START])))
    chunks = draw(st.lists(WORDS, min_size=1, max_size=5))
    whole = "".join(chunks)
    previewed = draw(st.integers(0, len(chunks)))
    lines += [delta(text) for text in chunks[:previewed]]
    lines.append(assistant(whole))
    lines.append(delta("subagent", parent="t"))
    lines.append(assistant("subagent", parent="t"))
    for garbage in draw(st.lists(GARBAGE, max_size=3)):
        lines.insert(draw(st.integers(0, len(lines))), b" " + garbage.replace(b"\n", b""))
    return lines, whole


@given(st.lists(answers(), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_readers_end_with_exactly_the_true_text(
    text_of: TextOf, calls: list[tuple[list[bytes], str]]
) -> None:
    lines = [one for found, _ in calls for one in found]
    items = list(Translator("p", UsageMeter()).items(lines))
    assert text_of(items) == "".join(whole for _, whole in calls)


KINDS = [
    "stream_event",
    "assistant",
    "user",
    "system",
    "control_request",
    "control_response",
    "control_cancel_request",
    "command_lifecycle",
]
FIELDS = [
    "event",
    "message",
    "subtype",
    "request",
    "response",
    "usage",
    "error",
    "status",
    "tool_use_result",
    "parent_tool_use_id",
    "permissionMode",
    "origin",
]
SHAPELESS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional=dict.fromkeys(FIELDS, JSON)
)
RECORDS = st.one_of(
    WORDS.map(delta),
    WORDS.map(assistant),
    st.sampled_from([START, RETRY, TOOL]),
    GARBAGE,
    SHAPELESS.map(line),
)


@given(st.lists(RECORDS, max_size=25))
@settings(max_examples=500, deadline=None)
def test_no_order_and_no_garbage_raises_or_loses_a_block(
    text_of: TextOf, lines: list[bytes]
) -> None:
    translated = text_of(list(Translator("p", UsageMeter()).items(lines)))
    for one in lines:
        record = parse(one) or {}
        message = record.get("message")
        plain = record.get("type") == "assistant" and set(record) == {
            "type",
            "message",
            "parent_tool_use_id",
        }
        if plain and record["parent_tool_use_id"] is None and isinstance(message, dict):
            for block in message.get("content") or []:
                if isinstance(block, dict) and block.get("type") == "text":
                    assert str(block["text"]) in translated


@given(
    st.text() | st.just('"}},"session_id":"x') | st.just('\\"}},"session_id":"'),
    st.none() | st.just("toolu_1"),
    st.text(max_size=5),
)
@settings(max_examples=300, deadline=None)
def test_the_fast_path_agrees_with_the_parser(text: str, parent: str | None, session: str) -> None:
    for one in (delta(text, parent, session), delta(text, parent, session).replace(b":", b": ")):
        found = fast_text(one)
        record = parse(one)
        if found is not None:
            assert record
            assert record["parent_tool_use_id"] is None
            assert found == record["event"]["delta"]["text"]


def test_the_fast_path_is_used() -> None:
    assert fast_text(delta('a "quoted" \n line')) == 'a "quoted" \n line'
    assert fast_text(delta("subagent", parent="t")) is None


def test_another_layout_is_left_to_the_parser(text_of: TextOf) -> None:
    odd = delta("hi").replace(b'"hi"', b'"hi","citations":"none"')
    assert parse(odd)
    assert fast_text(odd) is None
    assert text_of(list(Translator("p", UsageMeter()).items([odd]))) == "hi"


def test_readers_never_see_a_text_and_its_repetition_together(text_of: TextOf) -> None:
    lines = [START, delta("alpha "), delta("beta"), START, delta("alpha ")]
    assert text_of(list(Translator("p", UsageMeter()).items(lines))) == "alpha "


def test_a_result_of_any_shape_ends_the_turn(text_of: TextOf) -> None:
    for more in ({}, {"usage": 1, "result": None}, {"is_error": True, "errors": "x"}):
        items = list(Translator("p", UsageMeter()).items([line({"type": "result", **more})]))
        assert len(items) == 1
        assert text_of(items) == ""
