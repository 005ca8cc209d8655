"""The kit's ACP runtime passes the contract in front of the fake agent."""

import base64
import json

import pytest

from tests.sdk.acp.acp_subject import acp_subject
from tests.support.attachment import PIXEL
from xo_cowork_core.sdk.testing import Chat, RuntimeContract, RuntimeSubject, eventually


class TestAcp(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> RuntimeSubject:
        return acp_subject(tmp_path_factory.mktemp("acp"))

    def test_a_model_that_the_agent_offers_is_chosen_and_another_is_not(self, chat: Chat) -> None:
        for model in ("fake/large", "other/large"):
            turn = chat.run_turn('say "hello"', model=model)
            assert turn.text == "hello"
        rows = chat.http.get("/api/models", headers={"X-XO-Wire": "spa"}).json()
        assert {row["id"] for row in rows} == {"fake/small", "fake/large"}
        chosen = [file.read_text() for file in (chat.server.home / ".acp").glob("*.language-model")]
        assert chosen == ["fake/large"]

    def test_a_plan_of_the_agent_is_a_task_list(self, chat: Chat) -> None:
        turn = chat.run_turn("plan")
        todos = chat.http.get(f"/api/sessions/{turn.session_id}/todos").json()["todos"]
        assert [(row["content"], row["status"]) for row in todos] == [("Write", "in_progress")]

    def test_a_permission_for_the_session_is_asked_for_once(self, chat: Chat) -> None:
        always = {"allow": True, "scope": "session"}
        turn = chat.run_and_answer('write a.txt "1"', "permission-request", always)
        assert turn.body("permission-request")["options"] == ["once", "session"]
        again = chat.run_turn('write b.txt "2"', session_id=turn.session_id)
        assert "permission-request" not in again.events

    def test_plan_mode_is_set_and_left_again(self, chat: Chat) -> None:
        turn = chat.run_turn("mode", agent="plan")
        assert turn.text == "plan"
        allowed = {"file_changes": True}
        refused = chat.run_turn(
            'write p.txt "x"', agent="plan", permission_presets=allowed, session_id=turn.session_id
        )
        assert "tool-error" in refused.events
        assert not (chat.folder / "p.txt").exists()
        again = chat.run_turn("mode", session_id=turn.session_id)
        assert again.text == "ask", "the agent has no mode `build`: its first other one counts"

    def test_files_are_embedded_where_that_makes_sense_else_linked(self, chat: Chat) -> None:
        files = {"a.txt": b"words", "b.png": PIXEL, "c.bin": b"\xff\0", "d.txt": b"x" * (1 << 20)}
        for name, data in files.items():
            (chat.folder / name).write_bytes(data)
        attachments = [{"path": str(chat.folder / name), "name": name} for name in files]
        blocks = json.loads(chat.run_turn("blocks", attachments=attachments).text)
        kinds = [block["type"] for block in blocks]
        assert kinds == ["resource", "image", "resource_link", "resource_link"]
        uris = [block.get("uri") or block["resource"]["uri"] for block in blocks]
        assert uris == [(chat.folder / name).as_uri() for name in files]
        assert blocks[0]["resource"]["text"] == "words"
        assert (blocks[1]["mimeType"], base64.b64decode(blocks[1]["data"])) == ("image/png", PIXEL)
        assert blocks[3]["name"] == "d.txt"

    def test_commands_of_the_agent_are_skills_of_the_folder(self, chat: Chat) -> None:
        turn = chat.run_turn("a paper", agent_type="stamp")
        assert turn.text == "stamped a paper"

        def skills(workspace: str) -> list[str]:
            query = {"agent_name": "mine", "workspace": workspace}
            return [row["name"] for row in chat.http.get("/api/skills", params=query).json()]

        assert skills(str(chat.folder)) == ["stamp"]
        other = chat.server.projects / "other"
        other.mkdir(exist_ok=True)
        assert skills(str(other)) == []

    def test_a_deleted_session_is_closed_at_the_agent(self, chat: Chat) -> None:
        session_id = chat.run_turn('say "hello"').session_id
        assert chat.http.delete(f"/api/sessions/{session_id}").status_code == 200
        closed = chat.server.home / ".acp"
        eventually(lambda: any(closed.glob("*.closed")), 15, "the agent has closed a session")

    def test_an_agent_that_ignores_a_cancel_is_ended_and_the_next_turn_works(
        self, chat: Chat
    ) -> None:
        turn = chat.prompt("deaf 61")
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("tool-call")
            chat.abort(turn.stream_id)
            assert stream.rest()[-1].data["finish_reason"] == "aborted"
        eventually(
            lambda: not [p for p in chat.server.descendants() if p.command == "sleep 61"],
            15,
            "the agent's tool has ended",
        )
        assert chat.run_turn('say "back"', session_id=turn.session_id).text == "back"

    def test_an_agent_that_dies_fails_its_turn_with_its_last_words(self, chat: Chat) -> None:
        turn = chat.run_turn("die")
        assert turn.text == "Last words."
        assert turn.terminal.data["code"] == "crashed"
        assert "died on purpose" in str(turn.terminal.data["error_message"])
        assert chat.run_turn('say "back"', session_id=turn.session_id).text == "back"

    def test_a_session_that_the_agent_has_lost_starts_anew(self, chat: Chat) -> None:
        session_id = chat.run_turn('say "hello"').session_id
        for file in (chat.server.home / ".acp").glob("ses_*"):
            file.unlink()
        assert chat.run_turn('say "again"', session_id=session_id).text == "again"
