"""Sessions that OpenClaw's own command line makes in a terminal."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import TOKEN, GatewayProcess, say
from xo_cowork_core.sdk.testing import Chat, eventually

CLI_SECONDS = 60
# the fake has no command line
pytestmark = [
    pytest.mark.parametrize(
        "openclaw", [pytest.param("real", marks=pytest.mark.real)], indirect=True
    )
]


def in_a_terminal(openclaw: GatewayProcess, words: str, *more: str) -> str:
    """Run a turn by `openclaw agent`; return the id of its session."""
    ran = subprocess.run(
        [str(openclaw.binary), "agent", "--json", "--message", say(words), *more],
        env={**openclaw.variables(), "OPENCLAW_GATEWAY_TOKEN": TOKEN},
        cwd=openclaw.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=CLI_SECONDS,
    )
    return str(json.loads(ran.stdout)["result"]["meta"]["agentMeta"]["sessionId"])


def message_texts(chat: Chat, session_id: str) -> list[object]:
    return [m["text"] for m in chat.messages(session_id) if m["role"] == "assistant"]


@pytest.mark.parametrize("more", [[], ["--session-key", "agent:main:incident-42"]])
def test_a_session_of_a_terminal_is_listed_opens_and_goes_on(
    openclaw: GatewayProcess, chat: Chat, chat_model_log: Path, more: list[str]
) -> None:
    words = f"From a terminal {more}."
    session_id = in_a_terminal(openclaw, words, *more)
    eventually(
        lambda: session_id in {row["session_id"] for row in chat.sessions()}, 30, "it is listed"
    )
    assert message_texts(chat, session_id)[-1] == words
    turn = chat.run_turn(say("And on."), session_id=session_id)
    assert (turn.text, turn.session_id) == ("And on.", session_id)
    asked = json.loads(chat_model_log.read_text().splitlines()[-1])
    assert asked["answers"][-1] == words
    assert message_texts(chat, session_id)[-2:] == [words, "And on."]


def test_a_session_made_here_goes_on_in_a_terminal(openclaw: GatewayProcess, chat: Chat) -> None:
    session_id = chat.run_turn(say("From here.")).session_id
    assert in_a_terminal(openclaw, "And there.", "--session-id", session_id) == session_id
    chat.run_turn(say("And back."), session_id=session_id)
    assert message_texts(chat, session_id) == ["From here.", "And there.", "And back."]
