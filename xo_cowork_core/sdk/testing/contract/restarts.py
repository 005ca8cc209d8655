"""Cases: the server is stopped or killed in the middle of a turn."""

from collections.abc import Callable

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases, absent, answers
from xo_cowork_core.sdk.testing.proctree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

LONG_SECONDS = 60
SWEEP_SECONDS = 5.0


class RestartCases(Cases):
    """What is left of a turn after its server."""

    def _cut(
        self, chat: Chat, subject: RuntimeSubject, prompt: str, stop: Callable[[], int]
    ) -> None:
        turn = chat.prompt(prompt)
        with chat.stream(turn.stream_id) as stream:
            seen = stream.wait_for("session-created")
            chat.server.children()
            stop()
        below = chat.server.seen
        chat.server.start()
        replay = chat.read(turn)
        assert replay.frames[0] == seen
        assert replay.terminal.event == "agent-error"
        assert replay.terminal.data["code"] == "restart"
        eventually(lambda: not any(p.alive for p in below), SWEEP_SECONDS, "no process is left")
        assert turn.stream_id not in {str(row["stream_id"]) for row in chat.active()}
        answers(chat, subject, turn.session_id)

    def test_a_stopped_server_ends_its_turns(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        self._cut(chat, subject, subject.slow_text(LONG_SECONDS), chat.server.terminate)
        return None

    def test_a_killed_server_closes_its_turns_at_the_next_start(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_text is None:
            return absent("slow text")
        self._cut(chat, subject, subject.slow_text(LONG_SECONDS), chat.server.kill)
        return None

    def test_a_server_killed_during_a_tool_leaves_no_process(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.slow_tool is None:
            return absent("slow tool")
        self._cut(chat, subject, subject.slow_tool(LONG_SECONDS), chat.server.kill)
        return None

    def test_a_finished_turn_is_replayed_after_a_restart(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        turn = chat.run_turn(subject.say("Read me tomorrow."))
        chat.server.restart()
        with chat.stream(turn.stream_id) as again:
            assert again.rest() == turn.frames
