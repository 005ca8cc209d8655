"""Cases: an aborted turn stops and leaves no process running."""

import time

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn
from xo_cowork_core.sdk.testing.contract.cases import (
    LONG_SECONDS,
    STOP_SECONDS,
    Cases,
    check_next_turn,
)
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class StopCases(Cases):
    """Aborted turns."""

    def _abort(
        self, chat: Chat, subject: RuntimeSubject, prompt: str, after: str, session_id: str = ""
    ) -> StartedTurn:
        turn = chat.prompt(prompt, **({"session_id": session_id} if session_id else {}))
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for(after)
            start = time.monotonic()
            assert chat.abort(turn.stream_id) == {"ok": True, "aborted": True}
            end = stream.rest()[-1]
        assert time.monotonic() - start < STOP_SECONDS
        assert end.event == "done"
        assert end.data["finish_reason"] == "aborted"
        eventually(
            lambda: not self.leftover_commands(chat, subject), STOP_SECONDS, "no process is left"
        )
        return turn

    def test_abort_stops_text(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        turn = self._abort(chat, subject, prompt, "text-delta", recorder.session_id)
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        return None

    def test_abort_stops_a_tool(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_tool is None:
            return skip_without("slow tool")
        prompt = subject.slow_tool(LONG_SECONDS)
        self._abort(chat, subject, prompt, "tool-call", recorder.session_id)
        return None

    def test_an_aborted_session_goes_on(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = self._abort(chat, subject, subject.slow_text(LONG_SECONDS), "text-delta")
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_a_session_aborted_in_a_tool_goes_on(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_tool is None:
            return skip_without("slow tool")
        prompt = subject.slow_tool(LONG_SECONDS)
        turn = self._abort(chat, subject, prompt, "tool-call", recorder.session_id)
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_abort_before_the_first_event_stops(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS))
        chat.abort(turn.stream_id)
        assert chat.read(turn, seconds=STOP_SECONDS).terminal.data["finish_reason"] == "aborted"
        return None

    def test_abort_after_the_end_does_nothing(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        turn = chat.run_turn(subject.say("It is over."), session_id=recorder.session_id)
        assert chat.abort(turn.stream_id) == {"ok": True, "aborted": False}
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames

    def test_abort_of_an_unknown_stream_is_harmless(self, chat: Chat) -> None:
        assert chat.abort("nobody") == {"ok": True, "aborted": False}
