"""The real Codex is killed in the middle of a turn: what may be repeated, and what may not."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    command,
    environment,
    real_codex,
    responses_api,
    text,
)
from tests.fakes.codex_cli.codex_server_loss import prompt_to_a_server_that_ends
from xo_cowork_core.sdk.testing import Chat, LiveServer, Recording, eventually

pytestmark = [pytest.mark.real, pytest.mark.fault]
WORDS = "[[text n=12 delay=0.1 word]]"
WHOLE = "word " * 12
SECONDS = 10.0
# passes on what Codex writes; while a file exists, kills it when it answers `turn/start`
ENDS_AFTER_ITS_ANSWER = """\
#!{python}
import os, subprocess, sys
from pathlib import Path
if "app-server" not in sys.argv:
    os.execv("{codex}", ["{codex}", *sys.argv[1:]])
ends = Path("{ends}")
codex = subprocess.Popen(["{codex}", *sys.argv[1:]], stdout=subprocess.PIPE)
for line in codex.stdout:
    if b'"result":{{"turn":' in line and ends.exists():
        codex.kill()
        ends.unlink()
    os.write(1, line)
"""


@contextmanager
def running_chat(folder: Path, log: Path, codex: Path) -> Iterator[Chat]:
    """Run a server and a fake model API with a log of its requests."""
    with responses_api(log) as port:
        values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": "ask"}
        values |= environment(codex, port, folder / "codex")
        with LiveServer(environment=values) as server:
            yield Chat(server, "codex")


@pytest.fixture(scope="module")
def shared_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "requests.jsonl"


@pytest.fixture(scope="module")
def chat(shared_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """Each test has a session of its own and kills the Codex of them all."""
    codex = real_codex() or pytest.skip(ABSENT)
    with running_chat(tmp_path_factory.mktemp("codex"), shared_log, codex) as chat:
        yield chat


@pytest.fixture
def log(shared_log: Path) -> Path:
    """The log of the fake model API's requests of this test."""
    shared_log.write_bytes(b"")
    return shared_log


def kill_server(chat: Chat) -> None:
    for process in chat.server.descendants():
        if "app-server" in process.command:
            os.kill(process.pid, signal.SIGKILL)


def cut(chat: Chat, prompt: str, after: str = "text-delta", **fields: Any) -> Recording:
    """Run a turn whose server is killed after its first event of a name."""
    turn = chat.prompt(prompt, **fields)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for(after)
        kill_server(chat)
        stream.rest()
    return chat.read(turn)


def in_a_terminal(chat: Chat, prompt: str) -> str:
    """Run a turn by `codex exec`; return its session's id."""
    binary = real_codex()
    assert binary
    ran = subprocess.run(
        [str(binary), "exec", "--json", "--skip-git-repo-check", prompt],
        env=chat.server.variables(),
        cwd=chat.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=30,
    )
    return str(json.loads(ran.stdout.splitlines()[0])["thread_id"])


def asked(log: Path, words: str) -> list[int]:
    """Count, for each request to the model, the user messages with these words."""
    requests = [json.loads(line)["input"] for line in log.read_text().splitlines()]
    return [
        sum(role == "user" and words in message_text for role, message_text in request)
        for request in requests
    ]


def roles(chat: Chat, session_id: str) -> list[object]:
    return [message["role"] for message in chat.messages(session_id)]


def check_whole(turn: Recording) -> None:
    """The repeat is announced before it begins, and the text that counts is there once."""
    assert turn.terminal.event == "done"
    assert turn.events.count("desync") == 1
    assert turn.text == WHOLE
    before = turn.events[: turn.events.index("desync")]
    assert "text-delta" in before
    assert "step-finish" not in before


def test_a_cut_turn_is_on_record_once(chat: Chat, log: Path) -> None:
    first = cut(chat, WORDS)
    check_whole(first)
    assert asked(log, WORDS) == [1, 1]
    assert roles(chat, first.session_id) == ["user", "assistant"]
    chat.run_turn(text("And on."), session_id=first.session_id)
    assert asked(log, WORDS) == [1, 1, 1]
    assert [m["text"] for m in chat.messages(first.session_id)] == [
        WORDS,
        WHOLE,
        text("And on."),
        "And on.",
    ]


def test_a_turn_is_repeated_when_its_server_ends_before_it_answers(chat: Chat, log: Path) -> None:
    session_id = chat.run_turn(text("Before.")).session_id
    turn = chat.read(prompt_to_a_server_that_ends(chat, WORDS, session_id))
    assert (turn.terminal.event, turn.text) == ("done", WHOLE)
    assert turn.events.count("desync") == 1
    assert asked(log, WORDS)[-1] == 1
    assert roles(chat, session_id) == ["user", "assistant"] * 2


def test_a_turn_is_repeated_when_its_server_ends_right_after_its_answer(tmp_path: Path) -> None:
    binary = real_codex() or pytest.skip(ABSENT)
    wrapper, ends, log = tmp_path / "codex", tmp_path / "ends", tmp_path / "requests.jsonl"
    wrapper.write_text(ENDS_AFTER_ITS_ANSWER.format(python=sys.executable, codex=binary, ends=ends))
    wrapper.chmod(0o755)
    with running_chat(tmp_path / "home", log, wrapper) as chat:
        session_id = chat.run_turn(text("Before.")).session_id
        ends.touch()
        turn = chat.run_turn(WORDS, session_id=session_id)
        assert not ends.exists()
        assert (turn.terminal.event, turn.text) == ("done", WHOLE)
        assert turn.events.count("desync") == 1
        assert asked(log, WORDS)[-1] == 1
        assert roles(chat, session_id) == ["user", "assistant"] * 2


def test_a_cut_turn_of_an_old_session_takes_nothing_else_with_it(chat: Chat, log: Path) -> None:
    session_id = chat.run_turn(text("Before.")).session_id
    turn = cut(chat, WORDS, session_id=session_id)
    check_whole(turn)
    assert asked(log, WORDS)[-2:] == [1, 1]
    assert roles(chat, session_id) == ["user", "assistant"] * 2
    assert chat.messages(session_id)[1]["text"] == "Before."


def test_a_cut_turn_of_a_terminals_session_is_on_record_once(chat: Chat, log: Path) -> None:
    session_id = in_a_terminal(chat, text("From a terminal."))
    check_whole(cut(chat, WORDS, session_id=session_id))
    assert asked(log, WORDS)[-2:] == [1, 1]
    assert roles(chat, session_id) == ["user", "assistant"] * 2


def test_an_interrupted_turn_that_cannot_be_reverted_is_not_repeated(chat: Chat, log: Path) -> None:
    session_id = in_a_terminal(chat, text("From an older Codex."))
    home = Path(chat.server.variables()["CODEX_HOME"])
    (rollout,) = home.glob(f"sessions/**/*{session_id}.jsonl")
    rollout.write_text(rollout.read_text().replace('"history_mode":"paginated",', "", 1))
    turn = cut(chat, WORDS, session_id=session_id)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "crashed"
    assert asked(log, WORDS)[-1:] == [1]
    again = chat.run_turn(text("And on."), session_id=session_id)
    assert again.text == "And on."
    assert asked(log, WORDS)[-1] == 1


def test_an_interrupted_turn_is_not_repeated_without_a_server(tmp_path: Path) -> None:
    binary = real_codex() or pytest.skip(ABSENT)
    wrapper, broken = tmp_path / "codex-cli", tmp_path / "broken"
    wrapper.write_text(
        f'#!/bin/sh\n[ "$1" = app-server ] && [ -e {broken} ] && exit 1\nexec {binary} "$@"\n'
    )
    wrapper.chmod(0o755)
    log = tmp_path / "requests.jsonl"
    with running_chat(tmp_path, log, wrapper) as chat:
        turn = chat.prompt(WORDS)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            broken.touch()
            kill_server(chat)
            stream.rest()
        assert chat.read(turn).terminal.data["code"] == "crashed"
    assert asked(log, WORDS) == [1]


def test_a_cut_turns_tokens_count_once(tmp_path: Path) -> None:
    binary = real_codex() or pytest.skip(ABSENT)
    with running_chat(tmp_path, tmp_path / "requests.jsonl", binary) as chat:
        turn = cut(chat, WORDS)
        done, (step,) = turn.body("done")["tokens"], turn.bodies("step-finish")
        assert done == step["tokens"]
        assert chat.messages(turn.session_id)[-1]["data"]["tokens"] == done

        def total() -> Any:
            return chat.http.get("/api/usage?days=1").json()["total_tokens"]

        eventually(lambda: total()["output"] > 0, SECONDS, "the turn is counted")
        assert total() == done


@pytest.mark.parametrize("last_event", ["text-delta", "tool-result"])
def test_a_turn_whose_tool_has_run_is_not_repeated(chat: Chat, log: Path, last_event: str) -> None:
    acts = chat.folder / "acts"
    acts.unlink(missing_ok=True)
    line = "python3 -c \"open('acts', 'a').write('once ')\""
    turn = cut(chat, f"{command(line)} {WORDS}", last_event)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "crashed"
    assert "desync" not in turn.events
    assert len(asked(log, "acts")) <= 2
    assert acts.read_text() == "once "
    again = chat.run_turn(text("And on."), session_id=turn.session_id)
    assert again.text == "And on."
    assert acts.read_text() == "once "
    assert roles(chat, turn.session_id) == ["user", "assistant"] * 2


def test_a_turn_that_waits_for_permission_is_not_repeated(chat: Chat) -> None:
    turn = cut(chat, f"{command('touch asked')} {WORDS}", "permission-request")
    assert turn.terminal.data["code"] == "crashed"
    assert "desync" not in turn.events
    assert not (chat.folder / "asked").exists()
    assert chat.run_turn(text("And on."), session_id=turn.session_id).text == "And on."
