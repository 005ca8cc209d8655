"""What was streamed before the server was killed is among the messages afterwards, once."""

from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import sleeping, tool
from tests.support.saved_entries import wait_until_saved
from xo_cowork_core.sdk.testing import Chat, Recording
from xo_cowork_core.sdk.testing.history import texts

RESUMED = "No response requested."
SLOW = "[[text n=600 delay=0.05 slow]]"


def interrupt(chat: Chat, prompt: str, event: str, count: int = 1) -> Recording:
    """Kill the server in a turn after some events of a name; return the turn as it is replayed."""
    turn = chat.prompt(prompt)
    with chat.stream(turn.stream_id) as stream:
        for _ in range(count):
            last = stream.wait_for(event)
        wait_until_saved(chat.server, turn.stream_id, last.id or 0)
        chat.server.kill()
    chat.server.start()
    return chat.read(turn)


@pytest.mark.fault
def test_a_text_that_was_cut_is_an_answer_with_an_error(chat: Chat) -> None:
    turn = interrupt(chat, SLOW, "text-delta", 5)
    assert turn.terminal.data["code"] == "restart"
    assert turn.text.strip()
    user, answer = chat.messages(turn.session_id)
    assert (user["role"], answer["role"]) == ("user", "assistant")
    assert str(answer["text"]).strip() == turn.text.strip()
    assert answer["data"]["finish"] == "error"  # type: ignore[index]
    again = chat.run_turn("[[text and on]]", session_id=turn.session_id)
    assert again.text == "and on"
    answers = [text.strip() for text in texts(chat.messages(turn.session_id), "assistant")]
    # the real one notes in its store that the cut prompt got no answer
    assert answers in ([turn.text.strip(), *note, "and on"] for note in ([], [RESUMED]))


@pytest.mark.fault
def test_what_the_agent_has_stored_is_not_doubled(chat: Chat, tmp_path: Path) -> None:
    step = f"[[text stored && {tool('Bash', command=sleeping(0.1)).strip('[]')}]]"
    turn = interrupt(chat, f"{step} {SLOW}", "text-delta", 6)
    assert turn.text.startswith("stored")
    answers = texts(chat.messages(turn.session_id), "assistant")
    assert "".join(answers).count("stored") == 1
    assert answers[-1].strip() == turn.text.removeprefix("stored").strip()
