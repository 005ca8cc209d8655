"""Whatever a runtime ends its turn with, the turn ends, once, and the session goes on."""

import pytest

from xo_cowork_core.sdk.testing import Chat


@pytest.mark.parametrize(
    "prompt",
    ["raise half a letter", "yield half a letter", "yield no tokens", "yield no message"],
)
def test_a_turn_that_ends_in_what_cannot_be_told_ends_all_the_same(cage, prompt):
    found = cage("odd_endings")
    chat = Chat(found.server, "odd")
    turn = chat.run_turn(prompt, seconds=10)
    assert turn.terminal.event == "agent-error"
    assert turn.text == "Well. "
    assert chat.active() == []
    assert [m["role"] for m in chat.messages(turn.session_id)] == ["user", "assistant"]
    assert chat.run_turn("again", session_id=turn.session_id, seconds=10).terminal.event == "done"
    found.assert_others_work()
