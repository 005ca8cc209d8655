"""Processes that wait between turns, and what becomes of one that no longer fits."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, text
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo

GONE_SECONDS = 30.0


@pytest.fixture
def server() -> Iterator[LiveServer]:
    environment = {
        "XO_PLUGINS": "runtime_claude",
        "CLAUDE_CLI_PATH": str(FAKE_CLI),
        "ANTHROPIC_API_KEY": "obviously-fake",
    }
    with LiveServer(environment=environment) as running:
        yield running


def agents(server: LiveServer) -> list[ProcessInfo]:
    """Return the agent's processes; the server also has one that looks up prices."""
    return [each for each in server.descendants() if FAKE_CLI.name in each.command]


def test_an_abort_while_a_hung_process_is_replaced_leaves_neither_behind(
    server: LiveServer,
) -> None:
    chat = Chat(server, "claude_code")
    session_id = chat.run_turn(text("hello")).session_id
    (warm,) = agents(server)
    os.kill(warm.pid, signal.SIGSTOP)
    # another key, so that the next turn needs another process
    (server.state / "env").write_text("ANTHROPIC_API_KEY=another-fake\n")
    turn = chat.prompt(text("again"), session_id=session_id)
    assert chat.abort(turn.stream_id)
    assert chat.read(turn).terminal.data["finish_reason"] == "aborted"
    eventually(lambda: not agents(server), GONE_SECONDS, "the end of both processes")


def test_a_process_that_died_while_idle_is_replaced(server: LiveServer) -> None:
    chat = Chat(server, "claude_code")
    first = chat.run_turn(text("hello"))
    (warm,) = agents(server)
    os.kill(warm.pid, signal.SIGKILL)
    eventually(lambda: not agents(server), GONE_SECONDS, "the end of the idle process")
    second = chat.run_turn(text("again"), session_id=first.session_id)
    assert (second.text, second.terminal.data["finish_reason"]) == ("again", "stop")
    (replacement,) = agents(server)
    assert replacement.pid != warm.pid


def test_the_process_of_a_deleted_session_is_ended_and_no_other(server: LiveServer) -> None:
    chat = Chat(server, "claude_code")
    deleted = chat.run_turn(text("hello"))
    (warm,) = agents(server)
    kept = chat.run_turn(text("hello"))
    assert chat.http.delete(f"/api/sessions/{deleted.session_id}").status_code == 200
    eventually(lambda: not warm.is_alive, GONE_SECONDS, "the end of the deleted one's process")
    (other,) = agents(server)
    assert other.is_alive
    assert chat.run_turn(text("again"), session_id=kept.session_id).text == "again"
