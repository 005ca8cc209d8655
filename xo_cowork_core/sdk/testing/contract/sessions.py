"""Cases: sessions continue, run in parallel, and take one turn at a time."""

import uuid
from collections.abc import Sequence

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn, parse_started_turn
from xo_cowork_core.sdk.testing.contract.cases import LONG_SECONDS, RECORD, Cases
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class SessionCases(Cases):
    """Several turns of one session or of several."""

    def test_ids_are_uuids(self, recorder: TurnRecorder, subject: RuntimeSubject) -> None:
        turn = recorder.turn(subject.say(RECORD))
        assert str(uuid.UUID(turn.stream_id)) == turn.stream_id
        assert str(uuid.UUID(turn.session_id)) == turn.session_id

    def test_a_second_turn_keeps_the_session(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        first = recorder.first_turn
        second = chat.run_turn(subject.say("Second."), session_id=first.session_id)
        assert second.session_id == first.session_id
        assert second.stream_id != first.stream_id
        assert second.text == "Second."
        assert "session-created" not in second.events
        assert second.ids[0] == 1

    def test_two_sessions_run_beside_each_other(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        sessions = (recorder.session_id, recorder.other_session_id)
        first, second = (
            chat.prompt(subject.slow_text(LONG_SECONDS), session_id=session_id)
            for session_id in sessions
        )
        assert first.session_id != second.session_id
        running = {str(row["stream_id"]) for row in chat.active()}
        assert {first.stream_id, second.stream_id} <= running
        for turn in (first, second):
            self._check_running(chat, turn)
        return None

    def test_texts_of_parallel_turns_do_not_mix(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        words = [" ".join(f"{name}{n}" for n in range(300)) for name in ("a", "b", "c")]
        sessions: Sequence[dict[str, str]] = ({"session_id": recorder.session_id}, {}, {})
        turns = [
            chat.prompt(subject.say(text), **session)
            for text, session in zip(words, sessions, strict=True)
        ]
        reads = [chat.read(turn) for turn in turns]
        assert [read.text for read in reads] == words
        assert [read.terminal.event for read in reads] == ["done"] * len(turns)
        ids = [read.terminal.data["session_id"] for read in reads]
        assert ids == [turn.session_id for turn in turns]

    def test_an_active_turn_is_listed(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS), session_id=recorder.session_id)
        rows = [row for row in chat.active() if row["stream_id"] == turn.stream_id]
        assert len(rows) == 1
        assert rows[0]["session_id"] == turn.session_id
        assert rows[0]["agent_name"] == subject.agent_name
        assert rows[0]["needs_input"] is False
        self._check_running(chat, turn)
        return None

    def test_a_second_turn_of_a_running_session_is_refused(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS), session_id=recorder.session_id)
        refused = chat.send(subject.say("Me too."), session_id=turn.session_id)
        assert refused.status_code == 409
        assert turn.stream_id in refused.text
        self._check_running(chat, turn)
        return None

    def test_a_repeated_first_prompt_gets_the_running_turn(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        turn = chat.prompt(prompt)
        assert chat.prompt(prompt) == turn
        self._check_running(chat, turn)
        return None

    def test_a_repeated_later_prompt_gets_the_running_turn(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        session_id = recorder.session_id
        prompt = subject.slow_text(LONG_SECONDS)
        turn = parse_started_turn(chat.send(prompt, session_id=session_id))
        assert parse_started_turn(chat.send(prompt, session_id=session_id)) == turn
        self._check_running(chat, turn)
        return None

    def test_an_unknown_session_is_refused(self, chat: Chat, subject: RuntimeSubject) -> None:
        answer = chat.send(subject.say("Hello?"), session_id=str(uuid.uuid4()))
        assert answer.status_code == 404
        assert answer.json()["detail"]

    def _check_running(self, chat: Chat, turn: StartedTurn) -> None:
        """Check that a turn goes on until it is aborted."""
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            assert chat.abort(turn.stream_id)["aborted"] is True
            end = stream.rest()[-1]
        assert (end.event, end.data["finish_reason"]) == ("done", "aborted")
        assert end.data["session_id"] == turn.session_id
