"""Cases: tool calls and their results."""

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases, wait_for_messages
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.history import message_pieces, tools_of, turn_pieces
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

ALLOW = {"file_changes": True, "run_commands": True}
FILE = "tried.txt"
CONTENT = "first line\nsecond line with ünïcode\n"


class ToolCases(Cases):
    """A tool call that writes a file."""

    def _write(self, chat: Chat, subject: RuntimeSubject) -> Recording:
        if subject.tool is None:
            return chat.run_turn(subject.say("No tools."))
        for file in chat.folder.rglob(FILE):
            file.unlink()
        prompt = subject.tool(FILE, CONTENT)
        return chat.run_turn(prompt, permission_presets=ALLOW)

    def test_a_tool_call_comes_before_its_result(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._write(chat, subject)
        calls, results = turn.bodies("tool-call"), turn.bodies("tool-result")
        if subject.tool is None:
            assert not calls and not results
            return
        assert {str(call["call_id"]) for call in calls} == {str(end["call_id"]) for end in results}
        assert turn.events.index("tool-call") < turn.events.index("tool-result")
        assert turn.terminal.event == "done"

    def test_a_write_is_normalised(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._write(chat, subject)
        writes = [call for call in turn.bodies("tool-call") if call["tool"] == "write"]
        assert len(writes) == bool(subject.tool)
        for write in writes:
            arguments = write["arguments"]
            assert isinstance(arguments, dict)
            assert {"file_path", "content"} <= set(arguments)
            assert write["title"]

    def test_a_write_really_happens_in_the_project(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        before = set(chat.folder.rglob("*"))
        turn = self._write(chat, subject)
        paths = [_path(call) for call in turn.bodies("tool-call") if call["tool"] == "write"]
        assert len(paths) == bool(subject.tool)
        assert subject.tool or set(chat.folder.rglob("*")) == before
        for path in paths:
            written = chat.folder / path
            assert written.resolve().is_relative_to(chat.folder.resolve())
            assert written.read_text() == CONTENT

    def test_text_after_a_tool_arrives(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._write(chat, subject)
        results = [n for n, event in enumerate(turn.events) if event == "tool-result"]
        assert "text-delta" in turn.events[results[-1] if results else 0 :]

    def test_results_are_attached_to_their_calls_in_history(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        turn = self._write(chat, subject)
        answer = wait_for_messages(chat, turn.session_id, 2)[-1]
        titles = {str(call["call_id"]): call["title"] for call in turn.bodies("tool-call")}
        assert bool(titles) == bool(subject.tool)
        states = tools_of([answer])
        assert {call_id: state["title"] for call_id, state in states.items()} == titles
        assert message_pieces(answer) == turn_pieces(turn)


def _path(call: Body) -> str:
    arguments = call["arguments"]
    assert isinstance(arguments, dict)
    return str(arguments["file_path"])
