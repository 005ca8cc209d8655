"""After an abort no process of the turn is alive, although the gateway is an external one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.escapees.life import Life
from tests.fakes.openclaw_gateway.openclaw_prompts import say, tool
from xo_cowork_core.sdk.testing import Chat, StartedTurn, eventually

pytestmark = pytest.mark.fault
MakeLife = Callable[[str], Life]
ESCAPES = {
    "own session": "setsid python3 {here}/sleeper.py {life} > /dev/null 2>&1 & sleep 600",
    "double fork": "python3 {here}/daemon.py {life} stay",
    "double fork, over": "python3 {here}/daemon.py {life}",
    "nohup": "nohup setsid python3 {here}/sleeper.py {life} > /dev/null 2>&1 & sleep 1",
    "deaf": "setsid python3 {here}/sleeper.py {life} deaf > /dev/null 2>&1 & sleep 1",
    "moved away": "cd / && setsid python3 {here}/sleeper.py {life} > /dev/null 2>&1 & sleep 1",
    "respawner": "setsid python3 {here}/respawner.py {life} > /dev/null 2>&1 & sleep 600",
}
LEFT = ESCAPES["nohup"]
STAYING = "python3 {here}/sleeper.py {life}"
SLOW = "[[text n=600 delay=0.1 slow]]"
GONE_SECONDS = 5.0


@pytest.fixture
def make_life(tmp_path: Path) -> Iterator[MakeLife]:
    """Make folders that processes sign in; what still lives at the end is the test's own."""
    made: list[Life] = []

    def make(name: str) -> Life:
        made.append(Life(tmp_path / name))
        return made[-1]

    yield make
    for life in made:
        life.end()


def begin(
    chat: Chat, life: Life, escape: str, *, background: bool = False, **fields: str
) -> StartedTurn:
    """Start a turn that runs a command, in the background if given, and then streams text."""
    more = {"background": True} if background else {}
    turn = chat.prompt(f"{tool('exec', command=life.line(escape), **more)} {SLOW}", **fields)
    life.begins()
    return turn


def check_aborts(chat: Chat, turn: StartedTurn) -> None:
    assert chat.abort(turn.stream_id)["aborted"] is True
    assert chat.read(turn).body("done")["finish_reason"] == "aborted"


def check_gone(life: Life) -> None:
    eventually(lambda: not life.alive(), GONE_SECONDS, "nothing is alive")


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_abort_ends_escaped_processes(chat: Chat, make_life: MakeLife, escape: str) -> None:
    life = make_life("life")
    check_aborts(chat, begin(chat, life, ESCAPES[escape]))
    check_gone(life)


def test_an_abort_spares_sessions_elsewhere(chat: Chat, make_life: MakeLife) -> None:
    kept, life = make_life("kept"), make_life("life")
    elsewhere = Chat(chat.server, "openclaw", "elsewhere")
    other = begin(elsewhere, kept, LEFT)
    check_aborts(chat, begin(chat, life, LEFT))
    check_gone(life)
    assert kept.signers() <= kept.alive()
    assert [row["stream_id"] for row in chat.active()] == [other.stream_id]
    check_aborts(elsewhere, other)
    check_gone(kept)


def test_an_abort_spares_what_may_be_of_another_session(chat: Chat, make_life: MakeLife) -> None:
    kept, life = make_life("kept"), make_life("life")
    turn = begin(chat, life, STAYING)
    ended = chat.run_turn(f"{tool('exec', command=kept.line(LEFT))} {say('Left.')}")
    assert ended.session_id != turn.session_id
    check_aborts(chat, turn)
    check_gone(life)
    assert kept.signers() <= kept.alive()


def test_an_abort_spares_what_an_earlier_turn_left(chat: Chat, make_life: MakeLife) -> None:
    kept, task, life = make_life("kept"), make_life("task"), make_life("life")
    first = chat.run_turn(f"{tool('exec', command=kept.line(LEFT))} {say('Left.')}")
    staying = tool("exec", command=task.line(STAYING), background=True)
    chat.run_turn(f"{staying} {say('And this.')}", session_id=first.session_id)
    task.begins()
    check_aborts(chat, begin(chat, life, LEFT, session_id=first.session_id))
    check_gone(life)
    assert kept.signers() <= kept.alive()
    assert task.signers() <= task.alive()


def test_an_abort_ends_commands_in_the_background(chat: Chat, make_life: MakeLife) -> None:
    life = make_life("life")
    turn = begin(chat, life, STAYING, background=True)
    check_aborts(chat, turn)
    check_gone(life)
    again = chat.run_turn(say("Alone."), session_id=turn.session_id)
    assert again.text == "Alone."
