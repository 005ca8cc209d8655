"""A runtime that can't drop a message: the edit is refused, and nothing is cut."""

import pytest

from xo_cowork_core.sdk.testing import Chat

SECONDS = 30


@pytest.mark.parametrize(
    ("runtime", "status"), [("raiser", 502), ("leaver", 502), ("dreamer", 503)]
)
def test_an_edit_that_the_runtime_cannot_make_cuts_nothing(serve_plugin, runtime, status):
    found = serve_plugin("cannot_forget")
    chat = Chat(found.server, runtime)
    turn = chat.run_turn("first")
    before = chat.messages(turn.session_id)
    edit = {"session_id": turn.session_id, "message_id": before[0]["id"], "text": "other"}
    answer = found.client.post("/api/chat/edit", json=edit, timeout=SECONDS)
    assert (answer.status_code, "detail" in answer.json()) == (status, True)
    assert "planted" not in answer.text
    assert chat.messages(turn.session_id) == before
    assert chat.run_turn("second", session_id=turn.session_id).text == "you said second"
    found.assert_others_work()
