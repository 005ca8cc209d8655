"""Cases: a turn that is told to stop stops, and leaves nothing running."""

import time

from xo_cowork_core.sdk.testing.chat import Chat, Started
from xo_cowork_core.sdk.testing.contract.cases import STOP_SECONDS, Cases, absent, answers
from xo_cowork_core.sdk.testing.proctree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LONG_SECONDS = 60


class StopCases(Cases):
    """Abort."""

    def _abort(self, chat: Chat, subject: RuntimeSubject, prompt: str, after: str) -> Started:
        turn = chat.prompt(prompt)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for(after)
            begun = time.monotonic()
            assert chat.abort(turn.stream_id) == {"ok": True, "aborted": True}
            end = stream.rest()[-1]
        assert time.monotonic() - begun < STOP_SECONDS
        assert end.event == "done"
        assert end.data["finish_reason"] == "aborted"
        eventually(lambda: not self._left(chat, subject), STOP_SECONDS, "no process is left")
        return turn

    def _left(self, chat: Chat, subject: RuntimeSubject) -> list[str]:
        commands = [pid.command for pid in chat.server.children()]
        return [c for c in commands if not any(word in c for word in subject.keeps)]

    def test_abort_stops_text(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        turn = self._abort(chat, subject, subject.slow_text(LONG_SECONDS), "text-delta")
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        return None

    def test_abort_stops_a_tool(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_tool is None:
            return absent("slow tool")
        self._abort(chat, subject, subject.slow_tool(LONG_SECONDS), "tool-call")
        return None

    def test_an_aborted_session_goes_on(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        turn = self._abort(chat, subject, subject.slow_text(LONG_SECONDS), "text-delta")
        answers(chat, subject, turn.session_id)
        return None

    def test_a_session_aborted_in_a_tool_goes_on(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_tool is None:
            return absent("slow tool")
        turn = self._abort(chat, subject, subject.slow_tool(LONG_SECONDS), "tool-call")
        answers(chat, subject, turn.session_id)
        return None

    def test_abort_before_the_first_event_stops(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS))
        chat.abort(turn.stream_id)
        assert chat.read(turn, seconds=STOP_SECONDS).terminal.data["finish_reason"] == "aborted"
        return None

    def test_abort_after_the_end_does_nothing(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.run_turn(subject.say("It is over."))
        assert chat.abort(turn.stream_id) == {"ok": True, "aborted": False}
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames

    def test_abort_of_an_unknown_stream_is_harmless(self, chat: Chat) -> None:
        assert chat.abort("nobody") == {"ok": True, "aborted": False}
