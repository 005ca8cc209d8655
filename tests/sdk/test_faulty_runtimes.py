"""The contract fails for a runtime that is at fault, and the host mends what it can."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, RuntimeContract, RuntimeSubject, script
from xo_cowork_core.sdk.testing.contract import TurnRecorder, stopping


@pytest.fixture(scope="module")
def chat(scripted: RuntimeSubject) -> Iterator[Chat]:
    environment = {"XO_PLUGINS": scripted.plugins}
    with LiveServer(environment=environment, python_path=scripted.python_path) as server:
        yield Chat(server, scripted.agent_name)


def recorder(chat: Chat, subject: RuntimeSubject) -> TurnRecorder:
    return TurnRecorder(chat, subject, {})


def test_a_second_done_is_dropped(chat: Chat) -> None:
    turn = chat.run_turn(script(["text", "Once."], ["usage", 1, 2], ["usage", 3, 4]))
    tokens = turn.body("done")["tokens"]
    assert isinstance(tokens, dict)
    assert (tokens["input"], tokens["output"]) == (1, 2)
    assert turn.text == "Once."


def test_events_after_done_are_dropped(chat: Chat) -> None:
    turn = chat.run_turn(script(["text", "In time."], ["usage", 1, 2], ["text", "Too late."]))
    assert turn.text == "In time."
    assert turn.frames[-1] is turn.terminal


def test_an_error_after_done_is_not_sent(chat: Chat) -> None:
    turn = chat.run_turn(script(["text", "Well."], ["usage", 1, 2], ["fail", "auth", "no"]))
    assert turn.terminal.event == "done"


def test_the_contract_fails_where_a_delta_is_lost(chat: Chat, scripted: RuntimeSubject) -> None:
    lossy = replace(scripted, say=lambda text: script(["text", text[:4]], ["text", text[5:]]))
    with pytest.raises(AssertionError, match="The uick brown fox"):
        RuntimeContract().test_text_arrives_exactly(recorder(chat, lossy))


def test_the_contract_fails_where_an_error_is_hidden(chat: Chat, scripted: RuntimeSubject) -> None:
    polite = replace(scripted, fail=lambda code: script(["text", f"Sorry, {code}."]))
    with pytest.raises(AssertionError, match="assert 'done' == 'agent-error'"):
        RuntimeContract().test_errors_have_their_message_and_code(recorder(chat, polite), polite)


def test_the_contract_fails_where_an_undeclared_tool_runs(
    chat: Chat, scripted: RuntimeSubject
) -> None:
    secretive = replace(scripted, tool=None, say=lambda text: script(["write", "a.txt", text]))
    with pytest.raises(AssertionError, match="'tool': 'write'"):
        RuntimeContract().test_a_runtime_without_tools_calls_none(chat, secretive)


def test_the_contract_fails_where_a_write_does_not_happen(
    chat: Chat, scripted: RuntimeSubject
) -> None:
    turn = chat.run_turn(script(["write", "b.txt", "other words"]))
    with pytest.raises(AssertionError, match="other words"):
        RuntimeContract().test_a_write_really_happens_in_the_project(chat, turn)


def test_the_contract_fails_where_an_ability_is_claimed_falsely(
    chat: Chat, scripted: RuntimeSubject
) -> None:
    boasting = replace(scripted, abilities=frozenset({"edits_history"}))
    with pytest.raises(AssertionError, match="assert 501 == 200"):
        RuntimeContract().test_an_edit_replaces_what_followed_or_is_refused(chat, boasting)
    with pytest.raises(AssertionError, match="assert 501 == 404"):
        turn = chat.run_turn(scripted.say("Untouched."))
        RuntimeContract().test_an_edit_of_an_unknown_message_is_refused(chat, boasting, turn)


def test_the_contract_fails_where_a_process_is_left(
    chat: Chat, scripted: RuntimeSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "STOP_SECONDS", 10.0)
    careless = replace(scripted, slow_tool=lambda _: script(["leave", 60], ["tool", 60]))
    with pytest.raises(AssertionError, match="no process is left"):
        RuntimeContract().test_abort_stops_a_tool(chat, careless, recorder(chat, careless))


def test_the_contract_fails_where_tokens_are_promised(chat: Chat, scripted: RuntimeSubject) -> None:
    turn = chat.run_turn(scripted.say("Free of charge."))
    with pytest.raises(AssertionError, match="is not None"):
        RuntimeContract().test_done_has_reason_session_tokens_and_cost(
            turn, replace(scripted, counts_tokens=True)
        )
