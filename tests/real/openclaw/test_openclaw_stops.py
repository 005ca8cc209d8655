"""After an abort no process of the turn is alive, although the gateway is an external one."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import GatewayProcess, say, tool
from tests.fakes.processes.process_watch import ProcessWatch
from xo_cowork_core.sdk.testing import Chat, StartedTurn, eventually

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
MakeLife = Callable[[str], ProcessWatch]
ESCAPES = {
    "own session": "setsid python3 {here}/sleeper.py {watch} > /dev/null 2>&1 & sleep 600",
    "double fork": "python3 {here}/daemon.py {watch} stay",
    "double fork, over": "python3 {here}/daemon.py {watch}",
    "nohup": "nohup setsid python3 {here}/sleeper.py {watch} > /dev/null 2>&1 & sleep 1",
    "no-term": "setsid python3 {here}/sleeper.py {watch} no-term > /dev/null 2>&1 & sleep 1",
    "moved away": "cd / && setsid python3 {here}/sleeper.py {watch} > /dev/null 2>&1 & sleep 1",
    "respawner": "setsid python3 {here}/respawner.py {watch} > /dev/null 2>&1 & sleep 600",
}
LEFT = ESCAPES["nohup"]
STAYING = "python3 {here}/sleeper.py {watch}"
SLOW = "[[text n=600 delay=0.1 slow]]"
GONE_SECONDS = 5.0
BUSY_SECONDS = 3.0  # longer than an abort waits for the commands


@pytest.fixture
def make_watch(tmp_path: Path) -> Iterator[MakeLife]:
    """Make folders that processes sign in; what still lives at the end is the test's own."""
    made: list[ProcessWatch] = []

    def make(name: str) -> ProcessWatch:
        made.append(ProcessWatch(tmp_path / name))
        return made[-1]

    yield make
    for watch in made:
        watch.end()


def begin(
    chat: Chat, watch: ProcessWatch, escape: str, *, background: bool = False, **fields: str
) -> StartedTurn:
    """Start a turn that runs a command, in the background if given, and then streams text."""
    more = {"background": True} if background else {}
    turn = chat.prompt(f"{tool('exec', command=watch.line(escape), **more)} {SLOW}", **fields)
    watch.wait_for_start()
    return turn


def check_aborts(chat: Chat, turn: StartedTurn) -> None:
    assert chat.abort(turn.stream_id)["aborted"] is True
    assert chat.read(turn).body("done")["finish_reason"] == "aborted"


def check_gone(watch: ProcessWatch) -> None:
    eventually(lambda: not watch.alive(), GONE_SECONDS, "nothing is alive")


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_abort_ends_escaped_processes(chat: Chat, make_watch: MakeLife, escape: str) -> None:
    watch = make_watch("watch")
    check_aborts(chat, begin(chat, watch, ESCAPES[escape]))
    check_gone(watch)


def test_an_abort_ends_escaped_processes_of_a_busy_gateway_once_it_answers(
    openclaw: GatewayProcess, chat: Chat, make_watch: MakeLife
) -> None:
    watch = make_watch("watch")
    turn = begin(chat, watch, ESCAPES["own session"])
    assert openclaw.process
    os.kill(openclaw.process.pid, signal.SIGSTOP)
    try:
        assert chat.abort(turn.stream_id)["aborted"] is True
        time.sleep(BUSY_SECONDS)
        assert watch.alive()
    finally:
        os.kill(openclaw.process.pid, signal.SIGCONT)
    assert chat.read(turn).body("done")["finish_reason"] == "aborted"
    check_gone(watch)


def test_an_abort_spares_sessions_elsewhere(chat: Chat, make_watch: MakeLife) -> None:
    kept, watch = make_watch("kept"), make_watch("watch")
    elsewhere = Chat(chat.server, "openclaw", "elsewhere")
    other = begin(elsewhere, kept, LEFT)
    check_aborts(chat, begin(chat, watch, LEFT))
    check_gone(watch)
    assert kept.all_pids() <= kept.alive()
    assert [row["stream_id"] for row in chat.active()] == [other.stream_id]
    check_aborts(elsewhere, other)
    check_gone(kept)


def test_an_abort_spares_what_may_be_of_another_session(chat: Chat, make_watch: MakeLife) -> None:
    kept, watch = make_watch("kept"), make_watch("watch")
    turn = begin(chat, watch, STAYING)
    ended = chat.run_turn(f"{tool('exec', command=kept.line(LEFT))} {say('Left.')}")
    assert ended.session_id != turn.session_id
    check_aborts(chat, turn)
    check_gone(watch)
    assert kept.all_pids() <= kept.alive()


def test_an_abort_spares_what_an_earlier_turn_left(chat: Chat, make_watch: MakeLife) -> None:
    kept, task, watch = make_watch("kept"), make_watch("task"), make_watch("watch")
    first = chat.run_turn(f"{tool('exec', command=kept.line(LEFT))} {say('Left.')}")
    staying = tool("exec", command=task.line(STAYING), background=True)
    chat.run_turn(f"{staying} {say('And this.')}", session_id=first.session_id)
    task.wait_for_start()
    check_aborts(chat, begin(chat, watch, LEFT, session_id=first.session_id))
    check_gone(watch)
    assert kept.all_pids() <= kept.alive()
    assert task.all_pids() <= task.alive()


def test_an_abort_ends_commands_in_the_background(chat: Chat, make_watch: MakeLife) -> None:
    watch = make_watch("watch")
    turn = begin(chat, watch, STAYING, background=True)
    check_aborts(chat, turn)
    check_gone(watch)
    again = chat.run_turn(say("Alone."), session_id=turn.session_id)
    assert again.text == "Alone."
