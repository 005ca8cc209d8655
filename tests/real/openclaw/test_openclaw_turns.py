"""Turns on the gateway that the contract does not try: leave for commands, leftovers, models."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import GatewayProcess, say, tool
from xo_cowork_core.sdk.testing import Chat
from xo_cowork_core.sdk.testing.history import message_pieces, parts_of, tools_of, turn_pieces
from xo_cowork_core.sdk.testing.process_tree import eventually

OpenChat = Callable[..., Chat]
FILE = "asked.txt"
ASKING = f"{tool('exec', command=f'touch {FILE}')} {say('Well.')}"


@pytest.fixture
def asking(open_chat: OpenChat) -> Chat:
    """A server whose turns ask before they run commands."""
    return open_chat(XO_PERMISSION_MODE="ask", XO_PERMISSION_TIMEOUT="3")


class TestPermissions:
    """Commands that need leave."""

    def test_a_command_needs_permission_and_runs_when_allowed(self, asking: Chat) -> None:
        turn = asking.run_and_answer(ASKING, "permission-request", True)
        asked = turn.body("permission-request")
        assert asked["tool"] == "bash"
        assert asked["patterns"] == [f"touch {FILE}"]
        assert asked["call_id"] == turn.body("tool-call")["call_id"]
        assert turn.body("permission-resolved")["decision"] == "allow"
        assert "tool-result" in turn.events
        assert turn.terminal.event == "done"
        assert (asking.folder / FILE).exists()

    def test_a_refused_command_does_not_run(self, asking: Chat) -> None:
        turn = asking.run_and_answer(ASKING, "permission-request", False)
        assert turn.body("permission-resolved")["decision"] == "deny"
        assert not (asking.folder / FILE).exists()
        assert turn.terminal.event == "done"

    def test_silence_is_a_refusal(self, asking: Chat) -> None:
        turn = asking.run_turn(ASKING)
        assert turn.body("permission-resolved")["reason"] == "timeout"
        assert not (asking.folder / FILE).exists()

    def test_presets_hold_for_one_prompt(self, asking: Chat) -> None:
        first = asking.run_turn(ASKING, permission_presets={"run_commands": True})
        assert "permission-request" not in first.events
        assert (asking.folder / FILE).exists()
        (asking.folder / FILE).unlink()
        second = asking.run_and_answer(
            ASKING, "permission-request", False, session_id=first.session_id
        )
        assert not (asking.folder / FILE).exists()
        assert second.terminal.event == "done"

    def test_a_preset_denies_unasked(self, asking: Chat) -> None:
        turn = asking.run_turn(ASKING, permission_presets={"run_commands": "deny"})
        assert "permission-request" not in turn.events
        assert not (asking.folder / FILE).exists()

    def test_an_abort_withdraws_the_request(self, asking: Chat) -> None:
        turn = asking.prompt(ASKING)
        with asking.stream(turn.stream_id) as stream:
            stream.wait_for("permission-request")
            asking.abort(turn.stream_id)
            assert stream.rest()[-1].data["finish_reason"] == "aborted"
        assert not (asking.folder / FILE).exists()


class TestSessions:
    """Sessions and what is left of them."""

    def test_a_prompt_names_its_model(self, chat: Chat, openclaw: GatewayProcess) -> None:
        if not openclaw.real:
            pytest.skip("the fake has one model")
        turn = chat.run_turn(say("Which?"), model="fake/model-2")
        assert turn.terminal.data["model_id"] == "model-2"
        again = chat.run_turn(say("And now?"), session_id=turn.session_id)
        assert again.terminal.data["model_id"] == "model-1"

    def test_a_turn_with_all_kinds_of_events_is_stored_as_streamed(
        self, chat: Chat, openclaw: GatewayProcess
    ) -> None:
        if not openclaw.real:
            pytest.skip("the fake runs one tool at a time")
        runs, reads = tool("exec", command="echo ran"), tool("read", path="absent")
        writes = tool("write", path="rich.md", content="# A")
        script = (
            f"[[text First I look. && {runs[2:-2]} && {reads[2:-2]}]] "
            f"[[text Then I write. && {writes[2:-2]}]] [[text Done.]]"
        )
        turn = chat.run_turn(script)
        answer = chat.messages(turn.session_id)[-1]
        assert message_pieces(answer) == turn_pieces(turn)
        assert sum(piece[0] == "tool" for piece in turn_pieces(turn)) == 3
        titles = {call["call_id"]: call["title"] for call in turn.bodies("tool-call")}
        assert sorted(titles.values()) == ["absent", "echo ran", "rich.md"]
        states = tools_of([answer])
        assert {call_id: state["title"] for call_id, state in states.items()} == titles
        assert answer["data"]["tokens"] == turn.terminal.data["tokens"]

    def test_an_attached_file_stays_with_its_message(self, chat: Chat) -> None:
        note = chat.folder / "my note.txt"
        note.write_text("oatmeal")
        file = {"type": "file", "path": str(note), "name": note.name}
        turn = chat.run_turn(say("Read."), attachments=[file])
        user = chat.messages(turn.session_id)[0]
        assert user["text"] == say("Read.")
        assert [part["path"] for part in parts_of([user], "file")] == [str(note)]

    def test_a_prompt_may_be_attachments_alone(self, chat: Chat) -> None:
        note = chat.folder / "alone.txt"
        note.write_text("oatmeal")
        turn = chat.run_turn("", attachments=[{"path": str(note), "name": note.name}])
        assert turn.terminal.event == "done", turn.terminal.data
        user = chat.messages(turn.session_id)[0]
        assert user["text"] == ""
        assert [part["path"] for part in parts_of([user], "file")] == [str(note)]

    def test_models_are_listed(self, chat: Chat) -> None:
        rows = chat.http.get("/api/models", params={"agent_name": "openclaw"}).json()["models"]
        assert any(row["provider_id"] == "fake" for row in rows)

    def test_a_killed_server_leaves_no_run_behind(
        self, open_chat: OpenChat, openclaw: GatewayProcess, chat_model_log: Path
    ) -> None:
        if not openclaw.real:
            pytest.skip("the fake has no model that could notice")
        chat = open_chat()
        turn = chat.prompt("[[text n=600 delay=0.1 endless]]")
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            chat.server.kill()
        before = _left(chat_model_log)
        chat.server.start()
        chat.send(say("Anything."))
        eventually(lambda: _left(chat_model_log) > before, 30, "the run is stopped")

    def test_a_session_of_the_gateway_is_listed_and_goes_on(self, open_chat: OpenChat) -> None:
        first = open_chat()
        turn = first.run_turn(say("From elsewhere."))
        second = open_chat()
        eventually(lambda: _lists(second, turn.session_id), 30, "the session is on the list")
        assert [str(m["text"]) for m in second.messages(turn.session_id)][-1] == "From elsewhere."
        again = second.run_turn(say("Here."), session_id=turn.session_id)
        assert again.session_id == turn.session_id
        assert again.text == "Here."


def _lists(chat: Chat, session_id: str) -> bool:
    return session_id in {str(row["session_id"]) for row in chat.sessions()}


def _left(log: Path) -> int:
    return sum("left" in json.loads(line) for line in log.read_text().splitlines())
