"""Failures of the model API are reported with their cause, and no text is sent twice."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import environment
from tests.support.priced_server import priced_server
from xo_cowork_core.sdk.testing import Chat, StartedTurn

OpenChat = Callable[..., Chat]
# a start of the CLI counts as silence, and on a busy machine it takes seconds
SILENT_SECONDS = 10
PERMISSION_SECONDS = 15
END_SECONDS = 90
WAITING = {
    "silence": "[[silence 600]]",
    "no head": "[[slowhead 600]]",
    "question": '[[tool Write {"file_path": "a.txt", "content": "x"}]] [[text done]]',
}


@pytest.fixture(scope="module")
def limited(
    claude: Path, model_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chat]:
    """A server whose turns may be silent for 10 s, and wait 15 s for a permission."""
    values = {
        "XO_PLUGINS": "runtime_claude",
        "XO_PERMISSION_MODE": "ask",
        "XO_PERMISSION_TIMEOUT": str(PERMISSION_SECONDS),
        "CLAUDE_TIMEOUT": str(SILENT_SECONDS),
        **environment(claude, model_port, tmp_path_factory.mktemp("claude")),
    }
    with priced_server(values) as server:
        yield Chat(server, "claude_code")


@pytest.fixture(scope="module")
def waiting(limited: Chat) -> Mapping[str, StartedTurn]:
    """The turns that wait, started together: each test reads its own."""
    return {name: limited.prompt(text) for name, text in WAITING.items()}


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


def test_a_retried_request_is_reported_and_answered(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn("[[error 529 times=1]] [[text here it is]]", session_id=shared_session)
    assert "529" in str(turn.body("model-loading")["label"])
    assert turn.text == "here it is"
    assert turn.terminal.event == "done"


def test_a_cut_stream_doubles_no_text(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn(
        "[[cut n=2 delay=0.3 times=1 alpha beta]] [[text alpha beta gamma]]",
        session_id=shared_session,
    )
    assert turn.text == "alpha beta gamma"
    assert turn.events.count("desync") == 1
    assert turn.terminal.event == "done"


def test_text_before_a_cut_stays(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn(
        '[[text kept first && tool Bash {"command": "python3 -c pass"}]] '
        "[[cut n=2 delay=0.3 times=1 one two]] [[cut n=2 times=1 a b]] [[text one two three]]",
        session_id=shared_session,
    )
    assert turn.text == "kept firstone two three"
    assert turn.terminal.event == "done"


def test_a_stream_that_is_always_cut_ends_in_an_error(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn("[[cut n=2 delay=0.3 alpha beta]]", session_id=shared_session)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "network"
    assert turn.text == ""


def test_an_error_inside_the_stream_loses_and_doubles_nothing(
    chat: Chat, shared_session: str
) -> None:
    turn = chat.run_turn(
        "[[fail overloaded_error times=1]] [[text the whole answer]]", session_id=shared_session
    )
    assert turn.text == "the whole answer"
    assert turn.terminal.event == "done"


def test_silence_ends_the_turn_and_the_session_goes_on(
    limited: Chat, waiting: Mapping[str, StartedTurn]
) -> None:
    turn = limited.read(waiting["silence"], seconds=END_SECONDS)
    assert turn.terminal.data["code"] == "timeout"
    assert limited.run_turn("[[text back]]", session_id=turn.session_id).text == "back"


def test_a_head_that_never_comes_ends_the_turn(
    limited: Chat, waiting: Mapping[str, StartedTurn]
) -> None:
    turn = limited.read(waiting["no head"], seconds=END_SECONDS)
    assert turn.terminal.data["code"] == "timeout"


def test_a_pending_question_is_not_silence(
    limited: Chat, waiting: Mapping[str, StartedTurn]
) -> None:
    turn = limited.read(waiting["question"], seconds=END_SECONDS)
    assert turn.body("permission-resolved")["reason"] == "timeout"
    assert turn.terminal.event == "done"
