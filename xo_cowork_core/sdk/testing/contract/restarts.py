"""Cases: the server is stopped or killed in the middle of a turn."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases, absent, answers
from xo_cowork_core.sdk.testing.frames import Frame
from xo_cowork_core.sdk.testing.proctree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LONG_SECONDS = 60
SWEEP_SECONDS = 5.0


class RestartCases(Cases):
    """What is left of a turn after its server."""

    def _cut(
        self, chat: Chat, subject: RuntimeSubject, prompt: str, event: str, stop: Callable[[], int]
    ) -> None:
        turn = chat.prompt(prompt)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for(event)
            stop()
        below = chat.server.seen
        chat.server.start()
        replay = chat.read(turn)
        self._check_end(replay.terminal)
        both = min(len(replay.frames) - 1, len(stream.frames))
        assert replay.frames[:both] == stream.frames[:both]
        with chat.stream(turn.stream_id, after=len(stream.frames)) as resumed:
            # the reader checks that what a crash took is told with `desync`
            self._check_end(resumed.rest()[-1])
        eventually(lambda: not any(p.alive for p in below), SWEEP_SECONDS, "no process is left")
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        answers(chat, subject, turn.session_id)

    def _check_end(self, end: Frame) -> None:
        assert end.event == "agent-error"
        assert end.data["code"] == "restart"

    def test_a_stopped_server_ends_its_turns(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        self._cut(chat, subject, prompt, "text-delta", chat.server.terminate)
        return None

    def test_a_killed_server_closes_its_turns_at_the_next_start(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        self._cut(chat, subject, prompt, "text-delta", chat.server.kill)
        return None

    def test_a_server_killed_during_a_tool_leaves_no_process(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_tool is None:
            return absent("slow tool")
        prompt = subject.slow_tool(LONG_SECONDS)
        self._cut(chat, subject, prompt, "tool-call", chat.server.kill)
        return None

    def test_a_finished_turn_is_replayed_after_a_restart(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        turn = chat.run_turn(subject.say("Read me tomorrow."))
        chat.server.restart()
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames
