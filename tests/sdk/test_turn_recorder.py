"""A prompt that several contract cases read runs once."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, RuntimeSubject, script
from xo_cowork_core.sdk.testing.contract import TurnRecorder


@pytest.fixture(scope="module")
def chat(scripted: RuntimeSubject) -> Iterator[Chat]:
    environment = {"XO_PLUGINS": scripted.plugins}
    with LiveServer(environment=environment, python_path=scripted.python_path) as server:
        yield Chat(server, scripted.agent_name)


@pytest.fixture
def recorder(chat: Chat, scripted: RuntimeSubject) -> TurnRecorder:
    return TurnRecorder(chat, scripted, {})


def test_a_prompt_runs_once(chat: Chat, recorder: TurnRecorder) -> None:
    before = len(chat.sessions())
    turns = [recorder.turn(script(["text", "Once."])) for _ in range(3)]
    assert turns[0].text == "Once."
    assert turns[1:] == turns[:2]
    assert len(chat.sessions()) == before + 1


def test_another_prompt_runs_in_another_session(recorder: TurnRecorder) -> None:
    one, other = (recorder.turn(script(["text", word])) for word in ("one", "other"))
    assert (one.text, other.text) == ("one", "other")
    assert one.session_id != other.session_id


def test_the_recordings_outlive_their_recorder(chat: Chat, scripted: RuntimeSubject) -> None:
    recordings = {}
    first = TurnRecorder(chat, scripted, recordings).turn(scripted.say("Kept."))
    assert TurnRecorder(chat, scripted, recordings).turn(scripted.say("Kept.")) is first


def test_the_shared_session_takes_turns(
    chat: Chat, recorder: TurnRecorder, scripted: RuntimeSubject
) -> None:
    session_id = recorder.session_id
    turn = chat.run_turn(scripted.say("Second."), session_id=session_id)
    assert turn.session_id == session_id == recorder.session_id
