"""Cases: a runtime does what it declares, and does not hold up the server or other turns."""

import statistics
import threading
import time

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import ALLOW, Cases, check_next_turn
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import ABILITIES, RuntimeSubject

LAG_SECONDS = 1.0
ANSWER_SECONDS = 30
IDLE_REQUESTS = 30
SLOW_SECONDS = 3
BUSY_FACTOR = 5
BUSY_SECONDS = 0.05
PAUSE_SECONDS = 0.02
ATTEMPTS = 4
ASKING = {"permission-request", "question", "plan-review"}


class MannerCases(Cases):
    """Abilities, ids of calls, and the time that a turn leaves to others."""

    def test_its_abilities_are_those_that_the_subject_declares(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        plugins = chat.http.get("/api/plugins").json()["plugins"]
        rows = [row for plugin in plugins for row in plugin["runtimes"]]
        (abilities,) = [set(row["abilities"]) for row in rows if row["name"] == subject.agent_name]
        assert abilities & set(ABILITIES) == subject.abilities

    def test_a_runtime_that_takes_no_answers_does_not_ask(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if "answers" in subject.abilities or subject.tool is None:
            return skip_without("tool that runs unasked")
        turn = chat.run_turn(subject.tool("unasked.txt", "content"))
        assert not ASKING & set(turn.events)
        assert turn.terminal.event == "done"
        return None

    def test_an_answer_reaches_the_turn_that_asked(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        names = {"allowed.txt": True, "denied.txt": False}
        for name in names:
            for file in chat.folder.rglob(name):
                file.unlink()
        sessions = (recorder.session_id, recorder.other_session_id)
        for session_id in sessions:
            # an agent that has to start asks seconds after the other one, which waits
            check_next_turn(chat, subject, session_id)
        turns = {
            name: chat.prompt(subject.permission(name), session_id=session_id)
            for name, session_id in zip(names, sessions, strict=True)
        }
        streams = {name: chat.stream(turn.stream_id) for name, turn in turns.items()}
        requests = {name: stream.wait_for("permission-request") for name, stream in streams.items()}
        # the first is answered while the other one waits too
        for name, answer in names.items():
            call_id = str(requests[name].data["call_id"])
            assert chat.respond(turns[name].stream_id, call_id, answer).status_code == 200
        for name, stream in streams.items():
            with stream:
                assert stream.rest(ANSWER_SECONDS)[-1].event == "done"
            assert any(chat.folder.rglob(name)) == names[name], name
        return None

    def test_a_call_id_is_used_once_in_a_session(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.tool is None:
            return skip_without("tools")
        turns = [
            chat.run_turn(
                subject.tool(name, "1"), session_id=recorder.session_id, permission_presets=ALLOW
            )
            for name in ("one.txt", "two.txt")
        ]
        ids = [str(body["call_id"]) for turn in turns for body in turn.bodies("tool-call")]
        assert len(ids) == len(set(ids))
        for turn in turns:
            _check_calls(turn)
        return None

    def test_a_turn_does_not_hold_up_the_server(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.slow_text is None:
            return skip_without("slow text")
        seconds: list[float] = []
        # the later attempts are for a busy machine
        for _ in range(ATTEMPTS):
            idle = statistics.median(_seconds_of_request(chat) for _ in range(IDLE_REQUESTS))
            limit = max(BUSY_FACTOR * idle, BUSY_SECONDS)
            seconds = _request_times_during(chat, subject.slow_text(SLOW_SECONDS))
            if statistics.median(seconds) < limit and max(seconds) < LAG_SECONDS:
                return None
        raise AssertionError(
            f"while a turn runs, requests take up to {max(seconds):.2f} s and"
            f" {statistics.median(seconds):.3f} s on average: it blocks the event loop"
        )


def _request_times_during(chat: Chat, prompt: str) -> list[float]:
    """Run a turn, send requests at intervals meanwhile, and return how long each took."""
    seconds: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        while not ended.wait(PAUSE_SECONDS):
            seconds.append(_seconds_of_request(chat))

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        assert chat.run_turn(prompt).terminal.event == "done"
    finally:
        ended.set()
        thread.join()
    return seconds


def _seconds_of_request(chat: Chat) -> float:
    start = time.monotonic()
    chat.active()
    return time.monotonic() - start


def _check_calls(turn: Recording) -> None:
    """Check that each call is open from its `tool-call` to its one result or error."""
    running: set[str] = set()
    for frame in turn.frames:
        call_id = str(frame.data.get("call_id"))
        if frame.event == "tool-call":
            assert call_id not in running
            running.add(call_id)
        elif frame.event in {"tool-update", "permission-request"}:
            assert call_id in running, f"{frame.event} of a call that does not run: {call_id}"
        elif frame.event in {"tool-result", "tool-error"}:
            assert call_id in running, f"a second end of the call {call_id}"
            running.remove(call_id)
