"""ServerPool come and go with the environments of turns; sessions move between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import FAKE_CLI, command, environment, text
from tests.fakes.codex_cli.codex_server_loss import prompt_to_a_server_that_ends
from xo_cowork_core.sdk.testing import Chat, LiveServer, StartedTurn, eventually


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    """Talk to a server that may have two app-servers."""
    values = environment(FAKE_CLI, 9, tmp_path / "codex") | {"CODEX_SERVER_LIMIT": "2"}
    with LiveServer(environment={"XO_PLUGINS": "runtime_codex", **values}) as server:
        yield Chat(server, "codex")


def put_secret(chat: Chat, value: str) -> None:
    """Change what the agents' environment holds."""
    chat.server.state.mkdir(exist_ok=True)
    (chat.server.state / "env").write_text(f"OPENAI_API_KEY={value}\n")


def app_servers(chat: Chat) -> int:
    return len(
        [process for process in chat.server.descendants() if "app-server" in process.command]
    )


def sleepers(chat: Chat) -> int:
    return len(
        [process for process in chat.server.descendants() if "sleep 4321" in process.command]
    )


def test_sessions_share_a_server(chat: Chat) -> None:
    for _ in range(3):
        assert chat.run_turn(text("Hello.")).text == "Hello."
    assert app_servers(chat) == 1


def test_a_session_moves_to_the_server_of_its_environment_and_back(chat: Chat) -> None:
    put_secret(chat, "one")
    session = chat.run_turn(text("First.")).session_id
    for value, answer in (("two", "Second."), ("one", "Third.")):
        put_secret(chat, value)
        turn = chat.run_turn(text(answer), session_id=session)
        assert turn.text == answer
        assert app_servers(chat) == 2
    answers = [m["text"] for m in chat.messages(session) if m["role"] == "assistant"]
    assert answers == ["First.", "Second.", "Third."]


def test_what_a_session_left_running_ends_when_it_moves(chat: Chat) -> None:
    put_secret(chat, "one")
    left = command("setsid sleep 4321 > /dev/null 2>&1 & sleep 0.5")
    turn = chat.run_turn(f"{left} [[text left]]", permission_presets={"run_commands": True})
    assert sleepers(chat)
    chat.run_turn(text("Same place."), session_id=turn.session_id)
    assert sleepers(chat)
    put_secret(chat, "two")
    chat.run_turn(text("Another."), session_id=turn.session_id)
    eventually(lambda: sleepers(chat) == 0, 15, "what was left running has ended")


@pytest.mark.parametrize("is_loaded", [True, False], ids=["a loaded session", "an old session"])
def test_a_turn_goes_on_when_its_server_ends_before_it_answers(
    chat: Chat, *, is_loaded: bool
) -> None:
    session = chat.run_turn(text("First.")).session_id
    if not is_loaded:
        chat.server.restart()
        chat.run_turn(text("Of another session."))
    turn = prompt_to_a_server_that_ends(chat, text("Second."), session)
    check_repeated(chat, turn)


def test_a_turn_that_was_stored_but_not_answered_is_stored_once(chat: Chat) -> None:
    session = chat.run_turn(text("First.")).session_id
    Path(chat.server.variables()["CODEX_HOME"], "unanswered").touch()
    check_repeated(chat, chat.prompt(text("Second."), session_id=session))


@pytest.mark.parametrize("marker", ["answered", "unstored"])
def test_a_turn_goes_on_when_its_server_ends_right_after_its_answer(
    chat: Chat, marker: str
) -> None:
    session = chat.run_turn(text("First.")).session_id
    Path(chat.server.variables()["CODEX_HOME"], marker).touch()
    check_repeated(chat, chat.prompt(text("Second."), session_id=session))


def check_repeated(chat: Chat, turn: StartedTurn) -> None:
    recording = chat.read(turn)
    assert (recording.terminal.event, recording.text) == ("done", "Second.")
    assert recording.events.count("desync") == 1
    texts = [message["text"] for message in chat.messages(recording.session_id)]
    assert texts == [text("First."), "First.", text("Second."), "Second."]


def test_an_idle_server_makes_room_for_another_environment(chat: Chat) -> None:
    for value in ("one", "two", "three"):
        put_secret(chat, value)
        assert chat.run_turn(text(value)).text == value
    eventually(lambda: app_servers(chat) == 2, 10, "two servers are left")


def test_a_prompt_is_refused_while_all_servers_are_busy(chat: Chat) -> None:
    turns = []
    for value in ("one", "two"):
        put_secret(chat, value)
        turns.append(chat.prompt(f"[[text n=600 delay=0.1 {value}]]"))
        with chat.stream(turns[-1].stream_id) as stream:
            stream.wait_for("text-delta")
    put_secret(chat, "three")
    refused = chat.send(text("Me too."))
    assert refused.status_code == 503
    assert "busy" in refused.json()["detail"]
    for turn in turns:
        chat.abort(turn.stream_id)
    assert chat.run_turn(text("Now.")).text == "Now."
