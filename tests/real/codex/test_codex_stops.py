"""After an abort nothing of the turn is alive, though one Codex serves many sessions at once."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    FAKE_CLI,
    command,
    environment,
    real_codex,
    responses_api,
    subagent,
    text,
)
from tests.fakes.processes.process_watch import ProcessWatch
from tests.support.priced_server import priced_server
from tests.support.saved_entries import wait_until_saved
from xo_cowork_core.sdk.testing import Chat, ProcessInfo, StartedTurn, eventually

pytestmark = pytest.mark.fault
OpenChat = Callable[..., Chat]
ESCAPES = {
    "own session": "setsid python3 {here}/sleeper.py {watch}",
    "double fork": "python3 {here}/daemon.py {watch}",
    "nohup": "nohup python3 {here}/sleeper.py {watch} > /dev/null 2>&1 & wait",
    "no-term": "setsid python3 {here}/sleeper.py {watch} no-term > /dev/null 2>&1 & sleep 1",
    "respawner": "python3 {here}/respawner.py {watch}",
    "fork chain": "python3 {here}/fork_chain.py {watch}",
}
# the real one ends a finished command's process group
LEFT = "setsid python3 {here}/sleeper.py {watch} > /dev/null 2>&1 & sleep 1"
HIDDEN = "python3 {here}/daemon.py {watch} bare"
SLOW = "[[text n=600 delay=0.1 slow]]"
SHORT = "[[text n=20 delay=0.1 short]]"
GONE_SECONDS = 10.0
KILLED_SECONDS = 5.0
SETTLE_SECONDS = 1.0


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def binary(request: pytest.FixtureRequest) -> Path:
    """Codex, and the fake."""
    found = FAKE_CLI if request.param == "fake" else real_codex()
    return found or pytest.skip(ABSENT)


@pytest.fixture(scope="module")
def codex() -> Path:
    """The real Codex alone: the fake has no subagents."""
    return real_codex() or pytest.skip(ABSENT)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
def open_chat(tmp_path: Path, log: Path) -> Iterator[OpenChat]:
    """Start a server of its own and talk to it."""
    with ExitStack() as stack:
        port = stack.enter_context(responses_api(log))

        def start(binary: Path, mode: str = "bypass") -> Chat:
            values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": mode}
            values |= environment(binary, port, tmp_path / "codex")
            return Chat(stack.enter_context(priced_server(values)), "codex")

        yield start


@contextmanager
def running_chat(binary: Path, folder: Path, log: Path) -> Iterator[Chat]:
    with responses_api(log) as port:
        values = {"XO_PLUGINS": "runtime_codex", "XO_PERMISSION_MODE": "bypass"}
        values |= environment(binary, port, folder)
        with priced_server(values) as server:
            yield Chat(server, "codex")


@pytest.fixture(scope="module")
def chat(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A server for the tests that neither kill it nor stop its Codex."""
    folder = tmp_path_factory.mktemp("codex")
    with running_chat(binary, folder, folder / "requests.jsonl") as chat:
        yield chat


def begin(chat: Chat, watch: ProcessWatch, escape: str, **fields: str) -> StartedTurn:
    """Start a turn that runs a command and then streams text."""
    turn = chat.prompt(f"{command(watch.line(escape))} {SLOW}", **fields)
    watch.wait_for_start()
    return turn


def check_aborts(chat: Chat, turn: StartedTurn) -> None:
    assert chat.abort(turn.stream_id)["aborted"] is True
    assert chat.read(turn).body("done")["finish_reason"] == "aborted"


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_abort_ends_escaped_processes_and_spares_other_sessions(
    chat: Chat, tmp_path: Path, escape: str
) -> None:
    kept, watch = ProcessWatch(tmp_path / "kept"), ProcessWatch(tmp_path / "watch")
    other = begin(chat, kept, ESCAPES["own session"])
    others = kept.alive()
    turn = begin(chat, watch, ESCAPES[escape])
    check_aborts(chat, turn)
    eventually(lambda: not watch.alive(), GONE_SECONDS, "nothing is alive")
    assert kept.alive() == others
    assert [row["stream_id"] for row in chat.active()] == [other.stream_id]
    check_aborts(chat, other)
    eventually(lambda: not kept.alive(), GONE_SECONDS, "nothing is alive")


def test_a_program_without_its_tags_ends_with_the_last_turn(chat: Chat, tmp_path: Path) -> None:
    kept, watch = ProcessWatch(tmp_path / "kept"), ProcessWatch(tmp_path / "watch")
    other = begin(chat, kept, ESCAPES["own session"])
    check_aborts(chat, begin(chat, watch, HIDDEN))
    assert kept.alive()
    assert chat.run_turn(text("A new server.")).text == "A new server."
    check_aborts(chat, other)
    eventually(lambda: not watch.alive() and not kept.alive(), GONE_SECONDS, "nothing is alive")


def test_what_a_turn_leaves_running_lives_on_until_an_abort(chat: Chat, tmp_path: Path) -> None:
    watch, more = ProcessWatch(tmp_path / "watch"), ProcessWatch(tmp_path / "more")
    first = chat.run_turn(f"{command(watch.line(LEFT))} [[text left]]")
    watch.wait_for_start()
    assert chat.run_turn(text("Still there."), session_id=first.session_id).text == "Still there."
    assert watch.alive()
    turn = begin(chat, more, LEFT, session_id=first.session_id)
    check_aborts(chat, turn)
    eventually(lambda: not watch.alive() and not more.alive(), GONE_SECONDS, "nothing is alive")


def test_escaped_processes_end_with_a_server_that_was_killed(chat: Chat, tmp_path: Path) -> None:
    watch = ProcessWatch(tmp_path / "watch")
    turn = begin(chat, watch, ESCAPES["double fork"])
    for process in app_servers(chat):
        os.kill(process.pid, signal.SIGKILL)
    assert chat.read(turn).terminal.data["code"] == "crashed"
    eventually(lambda: not watch.alive(), GONE_SECONDS, "nothing is alive")


def test_an_abort_ends_the_commands_of_a_server_that_hangs(
    open_chat: OpenChat, binary: Path, tmp_path: Path
) -> None:
    chat = open_chat(binary)
    watch = ProcessWatch(tmp_path / "watch")
    turn = begin(chat, watch, ESCAPES["no-term"])
    for process in app_servers(chat):
        os.kill(process.pid, signal.SIGSTOP)
    since = time.monotonic()
    chat.abort(turn.stream_id)
    eventually(lambda: not watch.alive(), GONE_SECONDS, "nothing is alive")
    assert chat.read(turn).body("done")["finish_reason"] == "aborted"
    assert time.monotonic() - since < GONE_SECONDS
    again = chat.run_turn(text("On another one."), session_id=turn.session_id)
    assert again.text == "On another one."
    assert len(app_servers(chat)) == 1


@pytest.mark.parametrize("escape", ["nohup", "no-term"])
def test_after_a_kill_of_this_server_codex_and_its_commands_end(
    open_chat: OpenChat, binary: Path, tmp_path: Path, escape: str
) -> None:
    chat = open_chat(binary)
    watch = ProcessWatch(tmp_path / "watch")
    begin(chat, watch, ESCAPES[escape])
    assert app_servers(chat)
    chat.server.kill()
    eventually(lambda: not watch.alive(), KILLED_SECONDS, "no command is alive")
    agents = chat.server.seen_processes
    eventually(lambda: not any(p.is_alive for p in agents), KILLED_SECONDS, "Codex has ended")


@pytest.mark.real
def test_after_a_kill_of_this_server_no_model_is_called(
    open_chat: OpenChat, codex: Path, log: Path
) -> None:
    chat = open_chat(codex)
    turn = chat.prompt(f"{command('sleep 0.2')} " * 50)
    with chat.stream(turn.stream_id) as stream:
        for _ in range(2):
            stream.wait_for("tool-call")
    chat.server.kill()
    agents = chat.server.seen_processes
    eventually(lambda: not any(p.is_alive for p in agents), KILLED_SECONDS, "Codex has ended")
    asked = len(requests(log))
    time.sleep(SETTLE_SECONDS)
    assert len(requests(log)) == asked


def test_what_was_streamed_before_a_kill_of_this_server_is_among_the_messages(
    open_chat: OpenChat, binary: Path
) -> None:
    chat = open_chat(binary)
    turn = chat.prompt(SLOW)
    with chat.stream(turn.stream_id) as stream:
        last = stream.wait_for("text-delta")
        wait_until_saved(chat.server, turn.stream_id, last.id or 0)
        chat.server.kill()
    chat.server.start()
    streamed = chat.read(turn).text.strip()
    assert streamed
    user, answer = chat.messages(turn.session_id)
    assert (user["role"], str(answer["text"]).strip()) == ("user", streamed)


def app_servers(chat: Chat) -> list[ProcessInfo]:
    return [process for process in chat.server.descendants() if "app-server" in process.command]


def requests(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.real
def test_an_abort_stops_subagents_and_their_commands(
    open_chat: OpenChat, codex: Path, tmp_path: Path, log: Path
) -> None:
    chat = open_chat(codex)
    watch = ProcessWatch(tmp_path / "watch")
    part = f"{command(watch.line(ESCAPES['own session']))} [[text on and on]]"
    turn = chat.prompt(f"{subagent(part)} {SLOW}")
    watch.wait_for_start()
    check_aborts(chat, turn)
    eventually(lambda: not watch.alive(), GONE_SECONDS, "nothing is alive")
    asked = len(requests(log))
    again = chat.run_turn(text("Alone."), session_id=turn.session_id)
    assert again.text == "Alone."
    assert len(requests(log)) == asked + 1


@pytest.mark.real
def test_a_subagent_asks_the_user_too(open_chat: OpenChat, codex: Path, tmp_path: Path) -> None:
    chat = open_chat(codex, mode="ask")
    target = tmp_path / "touched"
    part = f"{command(f'touch {target}')} [[text touched]]"
    turn = chat.run_and_answer(f"{subagent(part)} {SHORT}", "permission-request", True)
    assert turn.body("permission-request")["arguments"] == {"command": f"touch {target}"}
    eventually(target.exists, GONE_SECONDS, "the subagent was allowed")


@pytest.mark.real
def test_a_subagent_that_still_asks_when_the_turn_ends_is_refused(
    open_chat: OpenChat, codex: Path, log: Path
) -> None:
    chat = open_chat(codex, mode="ask")
    part = f"{command('touch late')} [[text refused]]"
    turn = chat.run_turn(f"{subagent(part)} {SHORT}")
    assert turn.events.count("permission-request") == 1
    assert turn.terminal.event == "done"

    def goes_on() -> bool:
        inputs = [str(row["input"]) for row in requests(log)]
        return len([text for text in inputs if "[[text refused]]" in text]) == 2

    eventually(goes_on, GONE_SECONDS, "the subagent goes on")
    assert not (chat.folder / "late").exists()


@pytest.mark.real
def test_no_turn_goes_on_by_itself(open_chat: OpenChat, codex: Path, log: Path) -> None:
    chat = open_chat(codex)
    chat.run_turn('[[tool create_goal {"objective": "never end"}]] [[text begun]]')
    assert not [row for row in requests(log) if "create_goal" in row["tools"]]  # type: ignore[operator]
