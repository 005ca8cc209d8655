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

    def test_an_answer_for_the_session_holds_for_it(self, chat: Chat) -> None:
        always = {"allow": True, "scope": "session"}
        write = '[[tool write {"filePath": "%s", "content": "x"}]] [[text ok]]'
        turn = chat.run_and_answer(write % "a.txt", "permission-request", always)
        again = chat.run_turn(write % "b.txt", session_id=turn.session_id)
        assert "permission-request" not in again.events
        assert (chat.folder / "b.txt").read_text() == "x"
