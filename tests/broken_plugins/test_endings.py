"""A turn ends once, however its runtime ends it, and the session takes another turn."""

import pytest

from xo_cowork_core.sdk.testing import Chat


@pytest.mark.parametrize(
    "prompt",
    ["raise half a letter", "yield half a letter", "yield no tokens", "yield no message"],
)
def test_a_turn_whose_end_cannot_be_encoded_still_ends(serve_plugin, prompt):
    found = serve_plugin("odd_endings")
    chat = Chat(found.server, "odd")
    turn = chat.run_turn(prompt, seconds=30)
    assert turn.terminal.event == "agent-error"
    assert turn.text == "Well. "
    assert chat.active() == []
    assert [m["role"] for m in chat.messages(turn.session_id)] == ["user", "assistant"]
    assert chat.run_turn("again", session_id=turn.session_id, seconds=30).terminal.event == "done"
    found.assert_others_work()
