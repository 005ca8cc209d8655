"""Subagents of the real Claude Code: they run behind the answer, and belong to its turn."""

import json
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import tool
from xo_cowork_core.sdk.testing import Chat, eventually

pytestmark = pytest.mark.real
WAITING = "Waiting for subagents"


@pytest.fixture(scope="session")
def claude(real_claude: Path) -> Path:
    """The fake has no subagents."""
    return real_claude


def subagent(script: str) -> str:
    """Ask for a subagent that plays a script of its own."""
    call = json.dumps({"description": "part", "prompt": script, "subagent_type": "claude"})
    hidden = call.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "[]&"})
    return f"[[text before && tool Agent {hidden}]] [[text after]] [[text and told]]"


def test_a_turn_lasts_until_its_subagents_have_reported(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn(subagent("[[text n=8 delay=0.1 inner]]"), session_id=shared_session)
    assert WAITING in [body["label"] for body in turn.bodies("model-loading")]
    assert turn.text == "beforeafterand told"
    assert [body["tool"] for body in turn.bodies("tool-call")] == ["agent"]
    steps = [body["tokens"] for body in turn.bodies("step-finish")]
    assert len(steps) == 3
    # a subagent's own calls are the turn's, too
    assert turn.terminal.data["tokens"]["input"] > sum(step["input"] for step in steps)
    last = chat.messages(turn.session_id)[-1]
    assert [p["data"]["text"] for p in last["parts"] if p["data"]["type"] == "text"] == [
        "before",
        "after",
        "and told",
    ]
    assert chat.run_turn("[[text on]]", session_id=turn.session_id).text == "on"


def test_a_subagent_requests_permission_within_the_turn(chat: Chat, shared_session: str) -> None:
    write = tool("Write", file_path="sub.txt", content="x").removeprefix("[[")
    inner = f"[[text n=8 delay=0.1 inner && {write} [[text done]]"
    turn = chat.run_and_answer(
        subagent(inner), "permission-request", True, session_id=shared_session
    )
    assert turn.body("permission-request")["tool"] == "write"
    assert turn.body("permission-resolved")["decision"] == "allow"
    assert (chat.folder / "sub.txt").exists()
    assert turn.text == "beforeafterand told"


def test_an_abort_stops_subagents(chat: Chat, shared_session: str) -> None:
    turn = chat.prompt(subagent("[[text n=600 delay=0.1 inner]]"), session_id=shared_session)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("model-loading")
        (agent,) = [p for p in chat.server.descendants() if turn.session_id in p.command]
        chat.abort(turn.stream_id)
        assert stream.rest()[-1].data["finish_reason"] == "aborted"
    eventually(lambda: not agent.is_alive, 5, "the process of the subagent is gone")
    assert chat.run_turn("[[text on]]", session_id=turn.session_id).text == "on"
