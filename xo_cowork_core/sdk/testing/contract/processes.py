"""Cases: the agent's processes get only their environment, and end when they should."""

import time

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn
from xo_cowork_core.sdk.testing.contract.cases import (
    ALLOW,
    LONG_SECONDS,
    PLANTED,
    STOP_SECONDS,
    Cases,
    agent_processes,
    check_next_turn,
)
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo, eventually, read_environment
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

WATCH_SECONDS = 10.0
POLL_SECONDS = 0.02
STILL_SECONDS = 1.0
SILENT_TURN_SECONDS = 30.0
# the server cancels `run` after 1.5 s
INTERRUPT_SECONDS = 1.4
ATTEMPTS = 5


class ProcessCases(Cases):
    """What runs on the machine during a turn and after it."""

    def test_a_variable_of_the_server_does_not_reach_the_agent(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        long = subject.slow_tool or subject.slow_text
        turn = chat.prompt(long(2) if long else subject.say("Whose variables?"))
        leaked: set[str] = set()
        deadline = time.monotonic() + WATCH_SECONDS
        while chat.active() and time.monotonic() < deadline:
            leaked |= {p.command for p in agent_processes(chat) if _has_planted(p)}
            time.sleep(POLL_SECONDS)
        chat.abort(turn.stream_id)
        leaked |= {p.command for p in agent_processes(chat) if _has_planted(p)}
        assert not leaked, f"these got the server's environment: {sorted(leaked)}"

    def test_no_process_outlives_a_turn(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        chat.run_turn(subject.say("Clean up after me."), session_id=recorder.session_id)
        eventually(
            lambda: not self.leftover_commands(chat, subject), STOP_SECONDS, "no process is left"
        )

    def test_an_interrupt_ends_the_turn_by_itself(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if "interrupts" not in subject.abilities or subject.slow_text is None:
            return skip_without("interrupts of a slow text")
        seconds: list[float] = []
        # the server gives an interrupt 1.5 s; the later attempts are for a busy machine
        for _ in range(ATTEMPTS):
            turn = chat.prompt(subject.slow_text(LONG_SECONDS), session_id=recorder.session_id)
            seconds.append(_abort(chat, turn, "text-delta"))
            if seconds[-1] < INTERRUPT_SECONDS:
                return None
        raise AssertionError(f"the turn had to be cancelled: it ended after {seconds} s")

    def test_an_aborted_agent_works_no_more(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.work is None:
            return skip_without("work that can be observed")
        file = chat.folder / "worked.txt"
        file.unlink(missing_ok=True)
        prompt = subject.work(file.name, LONG_SECONDS)
        turn = chat.prompt(prompt, permission_presets=ALLOW, session_id=recorder.session_id)
        eventually(lambda: file.exists() and file.stat().st_size > 0, 30, "the agent works")
        _abort(chat, turn, "tool-call")
        eventually(
            lambda: not self.leftover_commands(chat, subject), STOP_SECONDS, "no process is left"
        )
        size = file.stat().st_size
        time.sleep(STILL_SECONDS)
        assert file.stat().st_size == size, "the agent works on after the abort"
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_a_silent_agent_is_stopped(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.silent is None:
            return skip_without("silent turn")
        turn = chat.run_turn(subject.silent(), seconds=SILENT_TURN_SECONDS)
        assert turn.terminal.event == "agent-error"
        assert turn.terminal.data["code"] in {"silent", "timeout"}
        check_next_turn(chat, subject, turn.session_id)
        return None

    def test_a_session_lets_its_process_go_when_idle(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.idle_seconds is None:
            return skip_without("idle time after which a process ends")
        turn = chat.run_turn(subject.say("Back in a while."))
        seconds = subject.idle_seconds + STOP_SECONDS
        eventually(lambda: not agent_processes(chat), seconds, "no process is left")
        check_next_turn(chat, subject, turn.session_id)
        return None


def _abort(chat: Chat, turn: StartedTurn, after: str) -> float:
    """Abort a turn after an event; return the seconds until it had ended."""
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for(after)
        start = time.monotonic()
        chat.abort(turn.stream_id)
        assert stream.rest()[-1].data["finish_reason"] == "aborted"
    return time.monotonic() - start


def _has_planted(process: ProcessInfo) -> bool:
    return PLANTED in read_environment(process.pid)
