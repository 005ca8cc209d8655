"""Cases: the server is stopped or killed during a turn."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn
from xo_cowork_core.sdk.testing.contract.cases import (
    LONG_SECONDS,
    RECORD,
    STOP_SECONDS,
    Cases,
    check_next_turn,
)
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Frame
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class RestartCases(Cases):
    """Turns that a stop, a crash or a restart of the server interrupts."""

    def _interrupt(
        self,
        chat: Chat,
        subject: RuntimeSubject,
        turn: StartedTurn,
        event: str,
        stop: Callable[[], int],
    ) -> None:
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
            lambda: not any(p.is_alive for p in processes), STOP_SECONDS, "no process is left"
        )
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        check_next_turn(chat, subject, turn.session_id)

    def _check_end(self, end: Frame) -> None:
        assert end.event == "agent-error"
        assert end.data["code"] == "restart"

    def test_a_stopped_server_ends_its_turns(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS), session_id=recorder.session_id)
        self._interrupt(chat, subject, turn, "text-delta", chat.server.terminate)
        return None

    def test_a_killed_server_closes_its_turns_at_the_next_start(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        turn = chat.prompt(subject.slow_text(LONG_SECONDS))
        self._interrupt(chat, subject, turn, "text-delta", chat.server.kill)
        return None

    def test_a_server_killed_during_a_tool_leaves_no_process(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.slow_tool is None:
            return skip_without("slow tool")
        turn = chat.prompt(subject.slow_tool(LONG_SECONDS), session_id=recorder.session_id)
        self._interrupt(chat, subject, turn, "tool-call", chat.server.kill)
        return None

    def test_no_process_outlives_the_server(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        # the next two cases need no agent if the turn that they read has been recorded here
        recorder.turn(subject.say(RECORD))
        chat.run_turn(subject.say("Good night."), session_id=recorder.session_id)
        chat.server.terminate()
        processes = chat.server.seen_processes
        eventually(
            lambda: not any(p.is_alive for p in processes), STOP_SECONDS, "no process is left"
        )

    def test_a_finished_turn_is_replayed_after_a_restart(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        turn = recorder.turn(subject.say(RECORD))
        chat.server.restart()
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames
