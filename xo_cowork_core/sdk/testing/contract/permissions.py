"""Cases: a tool call that needs permission."""

import pytest

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn
from xo_cowork_core.sdk.testing.contract.cases import (
    PERMISSION_SECONDS,
    Cases,
    check_next_turn,
)
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Frame
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.stream import EventStream
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

FILE = "asked.txt"
ALLOWED_FILE = "allowed.txt"


class PermissionCases(Cases):
    """Permission requests, their answers, and the effect on the tool."""

    @pytest.fixture(autouse=True)
    def delete_file(self, request: pytest.FixtureRequest) -> None:
        """Delete the file that the agent requests to write."""
        if "chat" in request.fixturenames:
            chat: Chat = request.getfixturevalue("chat")
            for file in chat.folder.rglob(FILE):
                file.unlink()

    def _file_exists(self, chat: Chat) -> bool:
        return any(chat.folder.rglob(FILE))

    def _wait_for_request(
        self, chat: Chat, prompt: str, **fields: str
    ) -> tuple[StartedTurn, EventStream, Frame]:
        turn = chat.prompt(prompt, **fields)
        stream = chat.stream(turn.stream_id)
        return turn, stream, stream.wait_for("permission-request")

    def test_a_runtime_that_never_asks_takes_no_answers(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if subject.permission or subject.question or subject.plan:
            return skip_without("turns that never ask")
        turn = chat.run_turn(subject.say("No questions."))
        assert not {"permission-request", "question", "plan-review"} & set(turn.events)
        assert chat.respond(turn.stream_id, "call-1", True).status_code in {404, 409}
        return None

    @pytest.fixture
    def allowed_turn(self, recorder: TurnRecorder, subject: RuntimeSubject) -> Recording:
        """A turn whose permission request was allowed; no case deletes the file of that name."""
        if subject.permission is None:
            return skip_without("permission requests")
        prompt = subject.permission(ALLOWED_FILE)
        return recorder.answered_turn(prompt, "permission-request", True)

    def test_a_request_says_what_it_is_for(self, allowed_turn: Recording) -> None:
        request = allowed_turn.body("permission-request")
        assert {"call_id", "tool", "permission", "patterns", "arguments"} <= set(request)
        assert request["tool"] == "write"
        assert isinstance(request["patterns"], list)

    def test_an_allowed_tool_runs(self, chat: Chat, allowed_turn: Recording) -> None:
        self._check_decision(allowed_turn, "allow", "answered")
        assert any(chat.folder.rglob(ALLOWED_FILE))
        assert "tool-result" in allowed_turn.events
        assert allowed_turn.terminal.event == "done"

    def test_a_denied_tool_does_not_run(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn = chat.run_and_answer(
            subject.permission(FILE), "permission-request", False, session_id=recorder.session_id
        )
        self._check_decision(turn, "deny", "answered")
        assert not self._file_exists(chat)
        assert "tool-error" in turn.events
        assert turn.terminal.event == "done"
        return None

    def test_silence_is_a_denial(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn = chat.run_turn(
            subject.permission(FILE),
            seconds=PERMISSION_SECONDS + 20,
            session_id=recorder.session_id,
        )
        self._check_decision(turn, "deny", "timeout")
        assert not self._file_exists(chat)
        return None

    def test_a_preset_allows_unasked(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn = chat.run_turn(
            subject.permission(FILE),
            permission_presets={"file_changes": True},
            session_id=recorder.session_id,
        )
        assert "permission-request" not in turn.events
        assert self._file_exists(chat)
        return None

    def test_a_preset_denies_unasked(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn = chat.run_turn(
            subject.permission(FILE),
            permission_presets={"file_changes": "deny"},
            session_id=recorder.session_id,
        )
        assert "permission-request" not in turn.events
        assert not self._file_exists(chat)
        return None

    def test_a_second_answer_is_refused(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn, stream, request = self._wait_for_request(
            chat, subject.permission(FILE), session_id=recorder.session_id
        )
        call_id = str(request.data["call_id"])
        with stream:
            statuses = [
                chat.respond(turn.stream_id, call_id, allow).status_code for allow in (True, False)
            ]
            stream.rest()
        assert statuses == [200, 409]
        assert self._file_exists(chat)
        return None

    def test_an_answer_to_an_unknown_request_is_refused(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn, stream, request = self._wait_for_request(
            chat, subject.permission(FILE), session_id=recorder.session_id
        )
        with stream:
            assert chat.respond(turn.stream_id, "nobody-asked", True).status_code == 404
            assert chat.respond(turn.session_id, str(request.data["call_id"]), True).is_client_error
            chat.respond(turn.stream_id, str(request.data["call_id"]), False)
            stream.rest()
        return None

    def test_a_waiting_turn_says_that_it_waits(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn, stream, request = self._wait_for_request(
            chat, subject.permission(FILE), session_id=recorder.session_id
        )
        with stream:
            assert self._needs_input(chat, turn) is True
            chat.respond(turn.stream_id, str(request.data["call_id"]), True)
            stream.rest()
        eventually(lambda: self._needs_input(chat, turn) is None, 15, "the turn leaves the list")
        return None

    def test_an_aborted_turn_withdraws_its_request(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn, stream, request = self._wait_for_request(
            chat, subject.permission(FILE), session_id=recorder.session_id
        )
        with stream:
            chat.abort(turn.stream_id)
            assert stream.rest()[-1].data["finish_reason"] == "aborted"
        late = chat.respond(turn.stream_id, str(request.data["call_id"]), True)
        assert late.status_code == 409
        assert not self._file_exists(chat)
        return None

    def test_a_request_does_not_outlive_a_restart(
        self, chat: Chat, subject: RuntimeSubject, server: LiveServer, recorder: TurnRecorder
    ) -> None:
        if subject.permission is None:
            return skip_without("permission requests")
        turn, stream, request = self._wait_for_request(
            chat, subject.permission(FILE), session_id=recorder.session_id
        )
        stream.close()
        server.restart()
        replay = chat.read(turn)
        assert replay.terminal.event == "agent-error"
        assert replay.terminal.data["code"] == "restart"
        late = chat.respond(turn.stream_id, str(request.data["call_id"]), True)
        assert late.status_code in {404, 409}
        assert not self._file_exists(chat)
        check_next_turn(chat, subject, turn.session_id)
        return None

    def _check_decision(self, turn: Recording, decision: str, reason: str) -> None:
        resolved = turn.body("permission-resolved")
        assert resolved["call_id"] == turn.body("permission-request")["call_id"]
        assert resolved["decision"] == decision
        assert resolved["reason"] == reason

    def _needs_input(self, chat: Chat, turn: StartedTurn) -> object:
        rows = [row for row in chat.active() if row["stream_id"] == turn.stream_id]
        return rows[0]["needs_input"] if rows else None
