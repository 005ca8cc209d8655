"""Cases: tool calls and their results."""

from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import ALLOW, Cases, wait_for_messages
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.history import message_pieces, tools_of, turn_pieces
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

FILE = "tried.txt"
CONTENT = "first line\nsecond line with ünïcode\n"


class ToolCases(Cases):
    """A tool call that writes a file."""

    @pytest.fixture
    def write_turn(self, recorder: TurnRecorder, subject: RuntimeSubject) -> Recording:
        """A turn whose tool writes a file in the project."""
        if subject.tool is None:
            return skip_without("tools")
        return recorder.turn(subject.tool(FILE, CONTENT), permission_presets=ALLOW)

    def test_a_runtime_without_tools_calls_none(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.tool:
            return skip_without("turns without tools")
        before = _entries(chat)
        turn = chat.run_turn(subject.say("No tools."))
        assert not turn.bodies("tool-call") and not turn.bodies("tool-result")
        assert _entries(chat) == before
        answer = wait_for_messages(chat, turn.session_id, 2)[-1]
        assert not tools_of([answer])
        assert message_pieces(answer) == turn_pieces(turn) == [("text", "No tools.")]
        return None

    def test_a_tool_call_comes_before_its_result(self, write_turn: Recording) -> None:
        calls, results = write_turn.bodies("tool-call"), write_turn.bodies("tool-result")
        assert {str(call["call_id"]) for call in calls} == {str(end["call_id"]) for end in results}
        assert write_turn.events.index("tool-call") < write_turn.events.index("tool-result")
        assert write_turn.terminal.event == "done"

    def test_a_write_is_normalised(self, write_turn: Recording) -> None:
        [write] = [call for call in write_turn.tool_calls if call["tool"] == "write"]
        arguments = write["arguments"]
        assert isinstance(arguments, dict)
        assert {"file_path", "content"} <= set(arguments)
        assert write["title"]

    def test_a_write_really_happens_in_the_project(self, chat: Chat, write_turn: Recording) -> None:
        calls = write_turn.tool_calls
        [path] = [_path(call) for call in calls if call["tool"] == "write"]
        written = chat.folder / path
        assert written.resolve().is_relative_to(chat.folder.resolve())
        assert written.read_text() == CONTENT

    def test_text_after_a_tool_arrives(self, write_turn: Recording) -> None:
        results = [n for n, event in enumerate(write_turn.events) if event == "tool-result"]
        assert "text-delta" in write_turn.events[results[-1] :]

    def test_results_are_attached_to_their_calls_in_history(
        self, chat: Chat, write_turn: Recording
    ) -> None:
        answer = wait_for_messages(chat, write_turn.session_id, 2)[-1]
        calls = write_turn.tool_calls
        titles = {str(call["call_id"]): call["title"] for call in calls}
        assert titles
        states = tools_of([answer])
        assert {call_id: state["title"] for call_id, state in states.items()} == titles
        assert message_pieces(answer) == turn_pieces(write_turn)


def _entries(chat: Chat) -> set[Path]:
    """Return the entries of the project without those that the host writes in its own time."""
    host = chat.folder / ".xo"
    return {path for path in chat.folder.rglob("*") if host not in (path, *path.parents)}


def _path(call: Body) -> str:
    arguments = call["arguments"]
    assert isinstance(arguments, dict)
    return str(arguments["file_path"])
