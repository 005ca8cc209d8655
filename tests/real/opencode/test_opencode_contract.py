"""The ACP example passes the runtime contract with the real OpenCode."""

from collections.abc import Iterator

import pytest

from tests.fakes.models import fake_model_api
from tests.real.opencode.opencode_subject import BIN, opencode_subject
from xo_cowork_core.sdk.testing import Chat, RuntimeContract, RuntimeSubject


@pytest.mark.real
class TestOpenCode(RuntimeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeSubject]:
        if not (BIN / "opencode").exists():
            pytest.skip("the real CLIs are not here: run `make toolchain`")
        with fake_model_api("chat_completions") as port:
            yield opencode_subject(tmp_path_factory.mktemp("opencode"), port)

    def test_its_models_are_listed_and_one_can_be_chosen(self, chat: Chat) -> None:
        chat.run_turn("[[text hello]]", model="fake/fake-2")
        rows = chat.http.get("/api/models", headers={"X-XO-Wire": "spa"}).json()
        assert {row["id"] for row in rows} == {"fake/fake-1", "fake/fake-2"}

    def test_plan_mode_changes_no_file(self, chat: Chat) -> None:
        write = '[[tool write {"filePath": "%s", "content": "x"}]] [[text ok]]'
        planned = chat.run_turn(write % "planned.txt", agent="plan")
        assert "permission-request" not in planned.events
        assert not (chat.folder / "planned.txt").exists()
        allowed = {"allow": True}
        session_id = planned.session_id
        chat.run_and_answer(
            write % "built.txt", "permission-request", allowed, session_id=session_id
        )
        assert (chat.folder / "built.txt").read_text() == "x"

    def test_an_attached_file_reaches_the_model(self, chat: Chat) -> None:
        # the fake model does what it reads
        (chat.folder / "facts.txt").write_text('[[exact "from the file"]]')
        attachments = [{"path": str(chat.folder / "facts.txt"), "name": "facts.txt"}]
        assert chat.run_turn("Read it.", attachments=attachments).text == "from the file"

    def test_its_commands_are_skills(self, chat: Chat) -> None:
        chat.run_turn("[[text hello]]")
        query = {"agent_name": "opencode", "workspace": str(chat.folder)}
        rows = chat.http.get("/api/skills", params=query).json()
        assert ("greet", "Greets") in [(row["name"], row["description"]) for row in rows]
        turn = chat.run_turn('[[exact "good morning"]]', agent_type="greet")
        assert turn.text == "good morning"

    def test_an_answer_for_the_session_holds_for_it(self, chat: Chat) -> None:
        always = {"allow": True, "scope": "session"}
        write = '[[tool write {"filePath": "%s", "content": "x"}]] [[text ok]]'
        turn = chat.run_and_answer(write % "a.txt", "permission-request", always)
        again = chat.run_turn(write % "b.txt", session_id=turn.session_id)
        assert "permission-request" not in again.events
        assert (chat.folder / "b.txt").read_text() == "x"
