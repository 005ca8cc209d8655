"""Sessions: one warm process each, resumed when it is gone, edited, shared with a terminal."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from xo_cowork_core.sdk.testing import Chat, Recording, eventually

OpenChat = Callable[..., Chat]
SECONDS = 20.0


def processes(chat: Chat, claude: Path) -> list[int]:
    return sorted(p.pid for p in chat.server.descendants() if str(claude) in p.command)


class TwoTurns(NamedTuple):
    """Two turns of a session, and the processes after each."""

    first: Recording
    second: Recording
    processes: Sequence[Sequence[int]]


@pytest.fixture(scope="module")
def two_turns(chat: Chat, claude: Path) -> TwoTurns:
    first = chat.run_turn("one [[text n=4 a]]")
    before = processes(chat, claude)
    second = chat.run_turn("two [[recite]]", session_id=first.session_id)
    return TwoTurns(first, second, [before, processes(chat, claude)])


def test_the_second_turn_uses_the_same_process(two_turns: TwoTurns) -> None:
    assert two_turns.second.text == "one | two"
    before, after = two_turns.processes
    assert before
    assert after == before


def test_usage_is_the_turns_own(two_turns: TwoTurns) -> None:
    ends = [two_turns.first.terminal.data, two_turns.second.terminal.data]
    assert [end["tokens"]["output"] for end in ends] == [4, 3]
    assert ends[1]["cost"] < ends[0]["cost"] * 1.5


def test_a_session_goes_on_after_a_restart_of_the_server(open_chat: OpenChat) -> None:
    chat = open_chat()
    first = chat.run_turn("one [[text a]]")
    chat.server.restart()
    assert chat.run_turn("two [[recite]]", session_id=first.session_id).text == "one | two"
    assert [row["role"] for row in chat.messages(first.session_id)] == ["user", "assistant"] * 2


def written(chat: Chat, session_id: str) -> str:
    config = Path(chat.server.variables()["CLAUDE_CONFIG_DIR"])
    files = (config / "projects").glob(f"*/{session_id}.jsonl")
    return "".join(file.read_text() for file in files)


def test_a_killed_process_is_replaced(chat: Chat, claude: Path) -> None:
    known = set(processes(chat, claude))
    turn = chat.prompt("one [[text n=600 delay=0.1 slow]]")
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        # the CLI writes its file behind the answer: what it has not written dies with it
        eventually(lambda: "one" in written(chat, turn.session_id), 10, "the prompt is on disk")
        for pid in set(processes(chat, claude)) - known:
            os.kill(pid, signal.SIGKILL)
        assert stream.rest()[-1].data["code"] == "crashed"
    assert chat.run_turn("two [[recite]]", session_id=turn.session_id).text == "one | two"


def test_a_session_of_a_terminal_goes_on_here(chat: Chat, claude: Path) -> None:
    session_id = str(uuid.uuid4())
    environment = {**chat.server.variables(), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    subprocess.run(
        [str(claude), "-p", "--session-id", session_id],
        input=b"from a terminal [[text typed]]",
        env=environment,
        cwd=chat.folder,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    eventually(
        lambda: session_id in [row["session_id"] for row in chat.sessions()],
        SECONDS,
        "it is listed",
    )
    turn = chat.run_turn("from here [[recite]]", session_id=session_id)
    assert turn.text == "from a terminal | from here"


def test_an_edit_forgets_what_came_after(chat: Chat) -> None:
    first = chat.run_turn("one [[text a]]")
    for word in ("two", "three"):
        chat.run_turn(f"{word} [[text b]]", session_id=first.session_id)
    edited = chat.messages(first.session_id)[2]
    body = {"session_id": first.session_id, "message_id": edited["id"], "text": "2 [[recite]]"}
    answer = chat.http.post("/api/chat/edit", json=body)
    assert answer.status_code == 200, answer.text
    with chat.stream(answer.json()["stream_id"]) as stream:
        stream.rest()
    texts = [str(row["text"]) for row in chat.messages(first.session_id)]
    assert texts == ["one [[text a]]", "a", "2 [[recite]]", "one | 2"]
    after = chat.run_turn("4 [[recite]]", session_id=first.session_id)
    assert after.text == "one | 2 | 4"


def test_an_edit_holds_after_a_restart(open_chat: OpenChat) -> None:
    chat = open_chat()
    first = chat.run_turn("one [[text a]]")
    chat.run_turn("two [[text b]]", session_id=first.session_id)
    edited = chat.messages(first.session_id)[2]
    body = {"session_id": first.session_id, "message_id": edited["id"], "text": "2 [[text c]]"}
    with chat.stream(chat.http.post("/api/chat/edit", json=body).json()["stream_id"]) as stream:
        stream.rest()
    chat.server.restart()
    assert chat.run_turn("3 [[recite]]", session_id=first.session_id).text == "one | 2 | 3"


def test_an_edit_of_the_first_message_starts_over(chat: Chat) -> None:
    first = chat.run_turn("one [[text a]]")
    message = chat.messages(first.session_id)[0]
    body = {"session_id": first.session_id, "message_id": message["id"], "text": "1 [[recite]]"}
    answer = chat.http.post("/api/chat/edit", json=body)
    assert answer.status_code == 200, answer.text
    with chat.stream(answer.json()["stream_id"]) as stream:
        stream.rest()
    assert [row["text"] for row in chat.messages(first.session_id)] == ["1 [[recite]]", "1"]


def test_few_idle_processes_are_kept(open_chat: OpenChat, claude: Path) -> None:
    chat = open_chat(CLAUDE_WARM_LIMIT="1")
    turns = [chat.run_turn(f"{word} [[text a]]") for word in ("one", "two")]
    eventually(lambda: len(processes(chat, claude)) == 1, SECONDS, "one warm process is left")
    again = chat.run_turn("more [[recite]]", session_id=turns[0].session_id)
    assert again.text == "one | more"


def test_an_idle_process_ends(open_chat: OpenChat, claude: Path) -> None:
    chat = open_chat(CLAUDE_IDLE_SECONDS="5")
    turn = chat.run_turn("one [[text a]]")
    assert processes(chat, claude)
    eventually(lambda: not processes(chat, claude), SECONDS, "no idle process is left")
    assert chat.run_turn("two [[recite]]", session_id=turn.session_id).text == "one | two"


def test_an_old_cli_is_run_cold(open_chat: OpenChat, claude: Path, tmp_path: Path) -> None:
    old = tmp_path / "old-claude"
    old.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--permission-prompt-tool*) echo unknown option >&2; exit 1;; esac\n'
        f'exec {claude} "$@"\n'
    )
    old.chmod(0o755)
    chat = open_chat(CLAUDE_CLI_PATH=str(old))
    first = chat.run_turn("one [[text cold]]")
    assert first.text == "cold"
    assert chat.run_turn("two [[recite]]", session_id=first.session_id).text == "one | two"


def test_a_session_with_a_damaged_file_starts_again(open_chat: OpenChat, tmp_path: Path) -> None:
    chat = open_chat()
    first = chat.run_turn("one [[text a]]")
    chat.server.terminate()
    (file,) = (tmp_path / "claude" / "projects").glob(f"*/{first.session_id}.jsonl")
    file.write_text('{"type":"user","uuid":')
    chat.server.start()
    turn = chat.run_turn("two [[recite]]", session_id=first.session_id)
    assert (turn.text, turn.session_id) == ("two", first.session_id)
