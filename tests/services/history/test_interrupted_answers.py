"""Which part of an interrupted answer is added to what the agent's store has of its turn."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xo_cowork_core.sdk.runtime.history import Message, Part, ReasoningPart, TextPart, ToolPart
from xo_cowork_core.services.history.interrupted_answers import InterruptedAnswer, add_answer

START = datetime(2026, 1, 1, tzinfo=UTC)
CALL = ToolPart("call-1", "bash", {"command": "ls"}, status="completed")


def at(seconds: float, role: str, *parts: Part) -> Message:
    return Message(f"{role}-{seconds}", role, parts, START + timedelta(seconds=seconds))  # type: ignore[arg-type]


def interrupted(*parts: Part) -> InterruptedAnswer:
    """The answer to a prompt at second 10; the server was started again at second 20."""
    return InterruptedAnswer(
        START + timedelta(seconds=10),
        START + timedelta(seconds=20),
        Message("cut", "assistant", parts, START + timedelta(seconds=10), finish="error"),
    )


EARLIER = [at(1, "user", TextPart("first")), at(2, "assistant", TextPart("one two three"))]
PROMPT = at(10.5, "user", TextPart("second"))
LATER = [at(30, "user", TextPart("third")), at(31, "assistant", TextPart("one"))]


def added_parts(stored: Sequence[Part], recorded: Sequence[Part]) -> Sequence[Part]:
    messages = [*EARLIER, PROMPT, *([at(11, "assistant", *stored)] if stored else []), *LATER]
    completed = add_answer(messages, interrupted(*recorded))
    (*before, third, last) = completed
    assert [third, last] == LATER
    added = [message for message in before if message.id == "cut"]
    assert [message for message in before if message.id != "cut"] == messages[:-2]
    assert completed == sorted(completed, key=lambda message: message.time_created)
    return added[0].parts if added else ()


@pytest.mark.parametrize(
    ("stored", "recorded", "added"),
    [
        ([], [TextPart("one two")], [TextPart("one two")]),
        ([TextPart("one two three")], [TextPart("one two")], []),
        ([TextPart("one two ")], [TextPart("one two")], []),
        ([TextPart("one")], [TextPart("one two")], [TextPart("two")]),
        ([TextPart("one")], [TextPart("one"), CALL, TextPart("two")], [CALL, TextPart("two")]),
        ([TextPart("one"), CALL], [TextPart("one"), CALL, TextPart("two")], [TextPart("two")]),
        ([ReasoningPart("one")], [ReasoningPart("one"), TextPart("one")], [TextPart("one")]),
    ],
)
def test_only_what_the_store_lacks_is_added(
    stored: list[Part], recorded: list[Part], added: list[Part]
) -> None:
    assert list(added_parts(stored, recorded)) == added


@given(st.lists(st.text("ab \n", min_size=1), max_size=4), st.integers(0, 20))
def test_a_prefix_of_what_the_store_has_is_never_added(texts: list[str], length: int) -> None:
    prefix = "".join(texts)[:length]
    assert not added_parts([TextPart(text) for text in texts], [TextPart(prefix)])


def test_an_answer_without_its_prompt_is_left_out() -> None:
    messages = [*EARLIER, *LATER]
    assert add_answer(messages, interrupted(TextPart("gone with an edit"))) == messages


def test_what_the_agent_adds_when_it_goes_on_comes_after_the_answer() -> None:
    note = at(29, "assistant", TextPart("No response requested."))
    messages = [PROMPT, note, *LATER]
    completed = add_answer(messages, interrupted(TextPart("one")))
    assert [message.id for message in completed] == [PROMPT.id, "cut", note.id, *_ids(LATER)]


def _ids(messages: Sequence[Message]) -> list[str]:
    return [message.id for message in messages]
