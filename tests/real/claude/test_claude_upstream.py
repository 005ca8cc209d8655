"""Failures of the model API are reported with their cause, and no text is sent twice."""

import time
from collections.abc import Callable

from xo_cowork_core.sdk.testing import Chat

OpenChat = Callable[..., Chat]
SILENT_SECONDS = 2


def test_a_refused_key_says_how_to_sign_in(open_chat: OpenChat) -> None:
    turn = open_chat(ANTHROPIC_API_KEY="sk-ant-bad").run_turn("[[text hi]]")
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "auth"
    assert "claude auth login" in str(turn.terminal.data["error_message"])
    assert turn.text == ""


def test_a_placeholder_is_no_key(open_chat: OpenChat) -> None:
    answer = open_chat(ANTHROPIC_API_KEY="sk-ant-none").send("[[text hi]]")
    assert answer.status_code == 503
    assert "signed in" in answer.text


def test_a_retried_request_is_reported_and_answered(chat: Chat) -> None:
    turn = chat.run_turn("[[error 529 times=1]] [[text here it is]]")
    assert "529" in str(turn.body("model-loading")["label"])
    assert turn.text == "here it is"
    assert turn.terminal.event == "done"


def test_a_cut_stream_doubles_no_text(chat: Chat) -> None:
    turn = chat.run_turn("[[cut n=2 delay=0.3 times=1 alpha beta]] [[text alpha beta gamma]]")
    assert turn.text == "alpha beta gamma"
    assert turn.events.count("desync") == 1
    assert turn.terminal.event == "done"


def test_text_before_a_cut_stays(chat: Chat) -> None:
    turn = chat.run_turn(
        '[[text kept first && tool Bash {"command": "python3 -c pass"}]] '
        "[[cut n=2 delay=0.3 times=1 one two]] [[cut n=2 times=1 a b]] [[text one two three]]"
    )
    assert turn.text == "kept firstone two three"
    assert turn.terminal.event == "done"


def test_a_stream_that_is_always_cut_ends_in_an_error(chat: Chat) -> None:
    turn = chat.run_turn("[[cut n=2 delay=0.3 alpha beta]]")
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "network"
    assert turn.text == ""


def test_an_error_inside_the_stream_loses_and_doubles_nothing(chat: Chat) -> None:
    turn = chat.run_turn("[[fail overloaded_error times=1]] [[text the whole answer]]")
    assert turn.text == "the whole answer"
    assert turn.terminal.event == "done"


def test_silence_ends_the_turn_and_the_session_goes_on(open_chat: OpenChat) -> None:
    chat = open_chat(CLAUDE_TIMEOUT=str(SILENT_SECONDS))
    begun = time.monotonic()
    turn = chat.run_turn("[[silence 60]]")
    assert time.monotonic() - begun < SILENT_SECONDS + 6
    assert turn.terminal.data["code"] == "timeout"
    assert chat.run_turn("[[text back]]", session_id=turn.session_id).text == "back"


def test_a_head_that_never_comes_ends_the_turn(open_chat: OpenChat) -> None:
    turn = open_chat(CLAUDE_TIMEOUT=str(SILENT_SECONDS)).run_turn("[[slowhead 60]]")
    assert turn.terminal.data["code"] == "timeout"


def test_a_pending_question_is_not_silence(open_chat: OpenChat) -> None:
    chat = open_chat(CLAUDE_TIMEOUT=str(SILENT_SECONDS), XO_PERMISSION_TIMEOUT="8")
    turn = chat.run_turn('[[tool Write {"file_path": "a.txt", "content": "x"}]] [[text done]]')
    assert turn.body("permission-resolved")["reason"] == "timeout"
    assert turn.terminal.event == "done"
