"""Cases: the server is stopped or killed during a turn."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import RECORD, Cases, check_next_turn
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Frame
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LONG_SECONDS = 60
SWEEP_SECONDS = 5.0


class RestartCases(Cases):
    """Turns that a stop, a crash or a restart of the server interrupts."""

    def _interrupt(
        self, chat: Chat, subject: RuntimeSubject, prompt: str, event: str, stop: Callable[[], int]
    ) -> None:
        turn = chat.prompt(prompt)
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for(event)
            stop()
        processes = chat.server.seen_processes
        chat.server.start()
        replay = chat.read(turn)
        self._check_end(replay.terminal)
        # heartbeats are not replayed
        seen, replayed = (
            [frame for frame in frames if frame.id] for frames in (stream.frames, replay.frames)
        )
        common = min(len(replayed) - 1, len(seen))
        assert replayed[:common] == seen[:common]
        with chat.stream(turn.stream_id, after=len(seen)) as resumed:
            # the reader checks that `desync` announces the events that a crash has lost
            self._check_end(resumed.rest()[-1])
        eventually(
            lambda: not any(p.is_alive for p in processes), SWEEP_SECONDS, "no process is left"
        )
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        check_next_turn(chat, subject, turn.session_id)

    def _check_end(self, end: Frame) -> None:
        assert end.event == "agent-error"
        assert end.data["code"] == "restart"

    def test_a_stopped_server_ends_its_turns(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        self._interrupt(chat, subject, prompt, "text-delta", chat.server.terminate)
        return None

    def test_a_killed_server_closes_its_turns_at_the_next_start(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        prompt = subject.slow_text(LONG_SECONDS)
        self._interrupt(chat, subject, prompt, "text-delta", chat.server.kill)
        return None

    def test_a_server_killed_during_a_tool_leaves_no_process(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_tool is None:
            return skip_without("slow tool")
        prompt = subject.slow_tool(LONG_SECONDS)
        self._interrupt(chat, subject, prompt, "tool-call", chat.server.kill)
        return None

    def test_a_finished_turn_is_replayed_after_a_restart(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        turn = recorder.turn(subject.say(RECORD))
        chat.server.restart()
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames
