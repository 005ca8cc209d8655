"""Cases: stored sessions and messages, and their edits."""

import uuid

import pytest

from xo_cowork_core.sdk.testing.chat import Chat, parse_started_turn
from xo_cowork_core.sdk.testing.contract.cases import (
    CONTEXT,
    RECORD,
    STORE_SECONDS,
    Cases,
    wait_for_messages,
)
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.history import parts_of, texts
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

SAME = "Said twice."


class RecordCases(Cases):
    """Sessions and messages after their turns have ended."""

    @pytest.fixture
    def stored_turn(self, recorder: TurnRecorder, subject: RuntimeSubject) -> Recording:
        """The only turn of a session."""
        return recorder.turn(subject.say(RECORD))

    def test_records_outlive_a_restart(self, chat: Chat, stored_turn: Recording) -> None:
        # the first case of the group: the one before it has ended the agent with a restart too
        before = wait_for_messages(chat, stored_turn.session_id, 2)
        chat.server.restart()
        eventually(
            lambda: chat.messages(stored_turn.session_id) == before,
            STORE_SECONDS,
            "the messages are as before",
        )

    def test_messages_hold_the_texts_of_the_turn(
        self, chat: Chat, subject: RuntimeSubject, stored_turn: Recording
    ) -> None:
        messages = wait_for_messages(chat, stored_turn.session_id, 2)
        assert [message["role"] for message in messages] == ["user", "assistant"]
        assert texts(messages, "user") == [subject.say(RECORD)]
        assert texts(messages, "assistant") == [RECORD]
        assert {str(message["session_id"]) for message in messages} == {stored_turn.session_id}
        assert len({str(message["id"]) for message in messages}) == 2

    def test_an_answer_on_record_has_its_usage(self, chat: Chat, stored_turn: Recording) -> None:
        answer = wait_for_messages(chat, stored_turn.session_id, 2)[-1]["data"]
        assert isinstance(answer, dict)
        assert {"model_id", "provider_id", "cost", "tokens", "finish", "error"} <= set(answer)
        assert answer["finish"] == "stop"
        assert answer["error"] is None
        assert answer["tokens"] == stored_turn.body("done")["tokens"]

    def test_the_same_words_twice_are_kept_twice(self, chat: Chat, subject: RuntimeSubject) -> None:
        first = chat.run_turn(subject.say(SAME))
        chat.run_turn(subject.say(SAME), session_id=first.session_id)
        messages = wait_for_messages(chat, first.session_id, 4)
        assert texts(messages, "assistant") == [SAME, SAME]
        assert texts(messages, "user") == [subject.say(SAME)] * 2

    def test_context_is_cut_off_the_record(self, chat: Chat, subject: RuntimeSubject) -> None:
        prompt = subject.say("Short.")
        turn = chat.run_turn(prompt + CONTEXT + "a long list of facts")
        assert texts(wait_for_messages(chat, turn.session_id, 2), "user") == [prompt]

    def test_sessions_are_listed_newest_first(
        self, chat: Chat, subject: RuntimeSubject, stored_turn: Recording
    ) -> None:
        newer = chat.run_turn(subject.say("A newer session."))
        ids = {newer.session_id, stored_turn.session_id}
        eventually(
            lambda: ids <= {str(row["session_id"]) for row in chat.sessions()},
            STORE_SECONDS,
            "both are listed",
        )
        rows = chat.sessions()
        assert {str(row["agent_name"]) for row in rows} == {subject.agent_name}
        listed = [row["session_id"] for row in rows]
        assert listed.index(newer.session_id) < listed.index(stored_turn.session_id)
        assert rows[0]["title"]

    def test_a_session_has_a_row(
        self, chat: Chat, subject: RuntimeSubject, stored_turn: Recording
    ) -> None:
        wait_for_messages(chat, stored_turn.session_id, 2)
        path = f"/api/sessions/{stored_turn.session_id}"
        eventually(
            lambda: chat.http.get(path).json()["message_count"] == 2, STORE_SECONDS, "it is counted"
        )
        row = chat.http.get(path).json()
        assert row["id"] == row["session_id"] == stored_turn.session_id
        assert row["agent_name"] == subject.agent_name

    def test_messages_of_an_unknown_session_are_refused(self, chat: Chat) -> None:
        answer = chat.http.get(f"/api/messages/{uuid.uuid4()}")
        assert answer.status_code == 404
        assert answer.json()["detail"]

    def test_reasoning_is_on_record(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.reasoning is None:
            return skip_without("reasoning")
        turn = recorder.turn(subject.reasoning())
        reasoning = "".join(str(body["text"]) for body in turn.bodies("reasoning-delta"))
        parts = parts_of(wait_for_messages(chat, turn.session_id, 2), "reasoning")
        assert "".join(str(part["text"]) for part in parts) == reasoning
        return None

    def test_an_aborted_text_is_on_record(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(30)
        turn = chat.prompt(prompt)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            chat.abort(turn.stream_id)
            stream.rest()
        assert texts(wait_for_messages(chat, turn.session_id, 1), "user") == [prompt]
        return None

    def test_an_edit_replaces_what_followed_or_is_refused(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        turn = chat.run_turn(subject.say("Old words."))
        chat.run_turn(subject.say("Later words."), session_id=turn.session_id)
        before = wait_for_messages(chat, turn.session_id, 4)
        body = {
            "session_id": turn.session_id,
            "message_id": before[0]["id"],
            "text": subject.say("New words."),
            "agent_id": chat.folder.name,
        }
        answer = chat.http.post("/api/chat/edit", json=body)
        if "edits_history" not in subject.abilities:
            assert answer.status_code == 501
            assert chat.messages(turn.session_id) == before
            return
        assert chat.read(parse_started_turn(answer)).text == "New words."
        eventually(
            lambda: texts(chat.messages(turn.session_id), "assistant") == ["New words."],
            STORE_SECONDS,
            "the new words replace the old ones",
        )

    def test_an_edit_of_an_unknown_message_is_refused(
        self, chat: Chat, subject: RuntimeSubject, stored_turn: Recording
    ) -> None:
        session_id = stored_turn.session_id
        before = wait_for_messages(chat, session_id, 2)
        body = {"session_id": session_id, "message_id": "nobody", "text": "Hello"}
        answer = chat.http.post("/api/chat/edit", json=body)
        expected = 404 if "edits_history" in subject.abilities else 501
        assert answer.status_code == expected
        assert chat.messages(session_id) == before
