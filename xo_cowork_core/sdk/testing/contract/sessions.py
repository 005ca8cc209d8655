"""Cases: sessions continue, run in parallel, and take one turn at a time."""

import uuid

from xo_cowork_core.sdk.testing.chat import Chat, parse_started_turn
from xo_cowork_core.sdk.testing.contract.cases import RECORD, Cases
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

SECONDS = 2


class SessionCases(Cases):
    """Several turns of one session or of several."""

    def test_ids_are_uuids(self, recorder: TurnRecorder, subject: RuntimeSubject) -> None:
        turn = recorder.turn(subject.say(RECORD))
        assert str(uuid.UUID(turn.stream_id)) == turn.stream_id
        assert str(uuid.UUID(turn.session_id)) == turn.session_id

    def test_a_second_turn_keeps_the_session(self, chat: Chat, subject: RuntimeSubject) -> None:
        first = chat.run_turn(subject.say("First."))
        second = chat.run_turn(subject.say("Second."), session_id=first.session_id)
        assert second.session_id == first.session_id
        assert second.stream_id != first.stream_id
        assert second.text == "Second."
        assert "session-created" not in second.events
        assert second.ids[0] == 1

    def test_two_sessions_run_beside_each_other(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        first = chat.prompt(subject.slow_text(SECONDS))
        second = chat.prompt(subject.slow_text(SECONDS + 0.5))
        assert first.session_id != second.session_id
        running = {str(row["stream_id"]) for row in chat.active()}
        assert {first.stream_id, second.stream_id} <= running
        for turn in (first, second):
            read = chat.read(turn)
            assert read.terminal.event == "done"
            assert read.terminal.data["session_id"] == turn.session_id
        return None

    def test_texts_of_parallel_turns_do_not_mix(self, chat: Chat, subject: RuntimeSubject) -> None:
        words = [" ".join(f"{name}{n}" for n in range(300)) for name in ("a", "b", "c")]
        turns = [chat.prompt(subject.say(text)) for text in words]
        assert [chat.read(turn).text for turn in turns] == words

    def test_an_active_turn_is_listed(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(SECONDS))
        rows = [row for row in chat.active() if row["stream_id"] == turn.stream_id]
        assert len(rows) == 1
        assert rows[0]["session_id"] == turn.session_id
        assert rows[0]["agent_name"] == subject.agent_name
        assert rows[0]["needs_input"] is False
        assert chat.abort(turn.stream_id)["aborted"] is True
        return None

    def test_a_second_turn_of_a_running_session_is_refused(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(SECONDS), session_id=recorder.session_id)
        refused = chat.send(subject.say("Me too."), session_id=turn.session_id)
        assert refused.status_code == 409
        assert turn.stream_id in refused.text
        assert chat.read(turn).terminal.event == "done"
        return None

    def test_a_repeated_first_prompt_gets_the_running_turn(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(SECONDS)
        turn = chat.prompt(prompt)
        assert chat.prompt(prompt) == turn
        assert chat.read(turn).terminal.event == "done"
        return None

    def test_a_repeated_later_prompt_gets_the_running_turn(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        session_id = recorder.session_id
        prompt = subject.slow_text(SECONDS)
        turn = parse_started_turn(chat.send(prompt, session_id=session_id))
        assert parse_started_turn(chat.send(prompt, session_id=session_id)) == turn
        assert chat.read(turn).terminal.event == "done"
        return None

    def test_an_unknown_session_is_refused(self, chat: Chat, subject: RuntimeSubject) -> None:
        answer = chat.send(subject.say("Hello?"), session_id=str(uuid.uuid4()))
        assert answer.status_code == 404
        assert answer.json()["detail"]
