"""What holds the server up is named, counted and ended."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from xo_cowork_core.sdk.testing import Chat, eventually


def test_a_plugin_that_blocks_the_event_loop_is_named_with_its_line_and_counted(serve_plugin):
    found = serve_plugin("holds_up")
    assert Chat(found.server, "holder").run_turn("block").terminal.event == "done"
    (fault,) = found.record("plugin_broken")["faults"]
    assert re.search(r"plugin\.py:\d+ in run holds the event loop for more than 1 s", fault)
    metrics = found.client.get("/metrics").text
    assert 'xo_event_loop_stalls_total{plugin="plugin_broken"} 1.0' in metrics
    assert 'xo_event_loop_stalls_total{plugin="plugin_neighbour"} 0.0' in metrics
    found.assert_others_work()


def test_a_plugin_is_not_blamed_for_the_time_in_which_the_whole_server_was_paused(serve_plugin):
    found = serve_plugin("holds_up")
    chat = Chat(found.server, "holder")
    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(chat.prompt, "nap")
        eventually((chat.folder / "naps").exists, 10, "it holds the event loop, for less than 1 s")
        os.kill(found.server.pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(found.server.pid, signal.SIGCONT)
        assert chat.read(turn.result()).terminal.event == "done"
    assert found.record("plugin_broken")["faults"] == []


def test_a_runtime_that_says_nothing_is_interrupted_and_its_turn_ends(serve_plugin):
    found = serve_plugin("holds_up")
    chat = Chat(found.server, "holder")
    turn = chat.run_turn("silent", seconds=30)
    assert turn.terminal.data == {
        "error_message": "Holder said nothing for 1 s and was stopped",
        "code": "silent",
    }
    assert "interrupted" in found.server.log
    assert chat.active() == []
    found.assert_others_work()


@pytest.mark.parametrize("prompt", ["tool", "ask"])
def test_a_turn_that_waits_for_a_tool_or_a_person_is_not_silent(serve_plugin, prompt):
    found = serve_plugin("holds_up")
    assert Chat(found.server, "holder").run_turn(prompt, seconds=30).terminal.event == "done"


def test_a_person_whose_answer_a_plugin_cannot_take_is_told_and_the_plugin_is_at_fault(
    serve_plugin,
):
    found = serve_plugin("holds_up")
    chat = Chat(found.server, "holder")
    turn = chat.prompt("refuse")
    with chat.stream(turn.stream_id) as stream:
        request = stream.wait_for("permission-request")
        refused = chat.respond(turn.stream_id, str(request.data["call_id"]), True)
    assert refused.status_code == 502
    assert refused.json()["detail"] == (
        "Holder did not get the answer (The runtime could not take the answer); "
        "abort the turn and send the prompt again"
    )
    assert found.record("plugin_broken")["faults"] == ["answer() raised ValueError: planted words"]
    chat.abort(turn.stream_id)
    found.assert_others_work()


def test_what_a_failed_program_printed_is_in_the_log_and_in_the_error(serve_plugin):
    found = serve_plugin("holds_up", HOLDS_KEY="planted-secret-value")
    end = Chat(found.server, "holder").run_turn("program", seconds=30).terminal
    assert end.data["code"] == "crashed"
    assert "no battery, key [redacted]" in str(end.data["error_message"])
    eventually(lambda: "no battery" in found.server.log, 15, "the plugin's log has it")
    assert "xo_cowork.plugin_broken: process" in found.server.log
    assert "planted-secret-value" not in found.server.log
