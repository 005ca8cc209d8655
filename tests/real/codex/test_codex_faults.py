"""Failures of the real Codex: one end, the true reason, and the session takes more turns."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    command,
    environment,
    real_codex,
    responses_api,
    sleeping,
    text,
)
from xo_cowork_core.sdk.testing import Chat, LiveServer, ProcessInfo, Recording, eventually

pytestmark = [pytest.mark.real, pytest.mark.fault]
OpenChat = Callable[..., Chat]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if real_codex() is None:
        pytest.skip(ABSENT)
    with responses_api() as port:
        yield port


@pytest.fixture
def open_chat(tmp_path: Path, port: int) -> Iterator[OpenChat]:
    """Start a server of its own and talk to it."""
    with ExitStack() as stack:

        def start(port: int = port, **more: str) -> Chat:
            values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": "ask"}
            binary = real_codex()
            assert binary
            values |= environment(binary, port, tmp_path / "codex") | more
            return Chat(stack.enter_context(LiveServer(environment=values)), "codex")

        yield start


@pytest.fixture(scope="module")
def chat(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A server that the tests share which need no limits of their own."""
    binary = real_codex() or pytest.skip(ABSENT)
    values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": "ask"}
    values |= environment(binary, port, tmp_path_factory.mktemp("codex"))
    with LiveServer(environment=values) as server:
        yield Chat(server, "codex")


def app_servers(chat: Chat) -> list[ProcessInfo]:
    return [process for process in chat.server.descendants() if "app-server" in process.command]


def kill_server(chat: Chat) -> None:
    for process in app_servers(chat):
        os.kill(process.pid, signal.SIGKILL)


def check_failed(turn: Recording, code: str, words: str) -> None:
    assert [f.event for f in turn.frames if f.event in {"done", "agent-error"}] == ["agent-error"]
    assert turn.terminal.data["code"] == code
    assert re.search(words, str(turn.terminal.data["error_message"]))


def check_goes_on(chat: Chat, turn: Recording) -> None:
    again = chat.run_turn(text("Still here."), session_id=turn.session_id)
    assert again.terminal.event == "done"
    assert again.text == "Still here."


def test_a_server_killed_twice_amid_text_ends_the_turn(chat: Chat) -> None:
    turn = chat.prompt("[[text n=40 delay=0.1 word]]")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        kill_server(chat)
        stream.wait_for("desync")
        stream.wait_for("text-delta")
        kill_server(chat)
    whole = chat.read(turn)
    check_failed(whole, "crashed", "killed")
    check_goes_on(chat, whole)


def test_a_server_killed_amid_a_tool_ends_the_turn_and_the_tool(chat: Chat) -> None:
    turn = chat.prompt(f"{command(sleeping(60))} [[text slept]]")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("tool-call")
        eventually(lambda: bool(sleepers(chat)), 5, "the tool runs")
        tools = sleepers(chat)
        kill_server(chat)
    whole = chat.read(turn)
    check_failed(whole, "crashed", "killed")
    eventually(lambda: not any(process.is_alive for process in tools), 5, "the tool is gone")
    check_goes_on(chat, whole)


def sleepers(chat: Chat) -> list[ProcessInfo]:
    return [process for process in chat.server.descendants() if "time.sleep(60)" in process.command]


def test_an_interrupted_stream_is_sent_again(chat: Chat) -> None:
    turn = chat.run_turn("[[cut n=3 delay=0.05 times=1 one two three]] [[text one two three four]]")
    assert "desync" in turn.events
    assert "model-loading" in turn.events
    assert turn.text == "one two three four"
    check_goes_on(chat, turn)


def test_a_stream_that_is_always_interrupted_ends_in_an_error(chat: Chat) -> None:
    turn = chat.run_turn("[[cut n=3 one two three]]")
    check_failed(turn, "network", "stream disconnected")
    check_goes_on(chat, turn)


def test_a_model_that_is_not_there_fails_within_the_limit(open_chat: OpenChat) -> None:
    with responses_api() as free:
        pass
    chat = open_chat(free, CODEX_RETRY_SECONDS="2")
    turn = chat.run_turn(text("Hello?"))
    check_failed(turn, "network", "not reached within 2 s: .*[Cc]onnection")
    with responses_api(port=free):
        check_goes_on(chat, turn)


def test_a_silent_model_fails_within_the_limit(open_chat: OpenChat) -> None:
    chat = open_chat(CODEX_TIMEOUT="5")
    turn = chat.run_turn("[[silence 30]]")
    check_failed(turn, "timeout", "silent for 5 s")
    check_goes_on(chat, turn)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(401, "auth", "401.*codex login"), (429, "rate_limit", "429"), (500, "upstream", "demand")],
)
def test_an_error_of_the_model_keeps_its_text(
    chat: Chat, status: int, code: str, words: str
) -> None:
    turn = chat.run_turn(f"[[error {status}]]")
    check_failed(turn, code, words)
    check_goes_on(chat, turn)


def test_six_parallel_threads_are_exact_on_one_server(chat: Chat) -> None:
    texts = [" ".join(f"{name}{number}" for number in range(200)) for name in "abcdef"]
    found: dict[str, Recording] = {}

    def run(wanted: str) -> None:
        found[wanted] = chat.run_turn(text(wanted))

    threads = [threading.Thread(target=run, args=(wanted,)) for wanted in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {wanted: turn.text for wanted, turn in found.items()} == {t: t for t in texts}
    assert len({turn.session_id for turn in found.values()}) == 6
    assert len(app_servers(chat)) == 1


def test_usage_is_the_sum_of_the_model_calls(chat: Chat) -> None:
    for session in (None, chat.run_turn(text("First.")).session_id):
        more = {"session_id": session} if session else {}
        turn = chat.run_turn(f"{command(sleeping(0))} [[think so && text done]]", **more)
        steps = [body["tokens"] for body in turn.bodies("step-finish")]
        assert len(steps) == 2
        total = {key: sum(step[key] for step in steps) for key in steps[0]}
        assert turn.body("done")["tokens"] == total
        assert total["reasoning"] > 0
        assert chat.messages(turn.session_id)[-1]["data"]["tokens"] == total


def test_a_session_of_a_terminal_is_listed_and_goes_on(chat: Chat) -> None:
    home = chat.server.variables()["CODEX_HOME"]
    binary = real_codex()
    assert binary
    ran = subprocess.run(
        [str(binary), "exec", "--json", "--skip-git-repo-check", text("From a terminal.")],
        env={**chat.server.variables(), "CODEX_HOME": home},
        cwd=chat.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=30,
    )
    session_id = json.loads(ran.stdout.splitlines()[0])["thread_id"]
    eventually(
        lambda: session_id in {row["session_id"] for row in chat.sessions()}, 5, "it is listed"
    )
    turn = chat.run_turn("[[text and on]]", session_id=session_id)
    assert turn.text == "and on"
    answers = [m["text"] for m in chat.messages(session_id) if m["role"] == "assistant"]
    assert answers == ["From a terminal.", "and on"]


def test_the_status_route_names_the_account(chat: Chat) -> None:
    body = chat.http.get("/api/codex/status").json()
    assert body["authenticated"] is body["is_connected"] is True
    assert body["accounts"][0]["kind"] == "api_key"
