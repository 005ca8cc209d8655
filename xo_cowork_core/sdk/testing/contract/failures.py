"""Cases: a failure is reported once, with its message and code, and the session stays usable."""

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases, check_next_turn
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LINE_CHARACTERS = 5_000_000


class FailureCases(Cases):
    """Errors, dead agents, and invalid records of the protocol."""

    def _check_error(self, turn: Recording) -> None:
        error = turn.terminal
        assert error.event == "agent-error"
        assert error is turn.frames[-1]
        assert "done" not in turn.events
        assert error.data["error_message"]
        assert error.data["code"]
        assert "Traceback" not in str(error.data["error_message"])

    def test_errors_have_their_message_and_code(
        self, recorder: TurnRecorder, subject: RuntimeSubject
    ) -> None:
        if subject.fail is None:
            return skip_without("errors on purpose")
        session: dict[str, str] = {}
        for code, words in subject.failures.items():
            turn = recorder.turn(subject.fail(code), **session)
            session = {"session_id": turn.session_id}
            self._check_error(turn)
            assert turn.terminal.data["code"] == code
            assert words in str(turn.terminal.data["error_message"])
        return None

    def test_a_failed_session_goes_on(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.fail is None:
            return skip_without("errors on purpose")
        turn = recorder.turn(subject.fail(next(iter(subject.failures))))
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_an_agent_that_dies_ends_its_turn(
        self, recorder: TurnRecorder, subject: RuntimeSubject
    ) -> None:
        if subject.die is None:
            return skip_without("way to die")
        turn = recorder.turn(subject.die())
        self._check_error(turn)
        assert turn.text
        return None

    def test_a_session_survives_its_agent(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.die is None:
            return skip_without("way to die")
        turn = recorder.turn(subject.die())
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_a_dying_agent_disturbs_no_other(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.die is None or subject.slow_text is None:
            return skip_without("way to die beside slow text")
        dead = recorder.turn(subject.die())
        turn = chat.prompt(subject.slow_text(2), session_id=recorder.session_id)
        chat.run_turn(subject.die(), session_id=dead.session_id)
        assert chat.read(turn).terminal.event == "done"
        assert chat.http.get("/health").status_code == 200
        return None

    def test_a_very_long_line_arrives_whole(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.long_line is None:
            return skip_without("long line")
        turn = chat.run_turn(subject.long_line(LINE_CHARACTERS))
        assert len(turn.text) == LINE_CHARACTERS
        assert not turn.text.strip("x")
        assert turn.terminal.event == "done"
        return None

    def test_invalid_records_lose_no_text(
        self, recorder: TurnRecorder, subject: RuntimeSubject
    ) -> None:
        if subject.invalid_records is None:
            return skip_without("invalid records")
        turn = recorder.turn(subject.invalid_records())
        if turn.terminal.event == "done":
            assert turn.text == "Before. After."
        else:
            self._check_error(turn)
            assert turn.text == "Before. "
        return None

    def test_a_session_survives_invalid_records(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.invalid_records is None:
            return skip_without("invalid records")
        turn = recorder.turn(subject.invalid_records())
        check_next_turn(chat, subject, turn.session_id)
        return None
