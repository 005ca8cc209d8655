"""Cases: questions of the agent and reviews of its plans."""

import json

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import PERMISSION_SECONDS, Cases
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.frames import Body, Frame
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class QuestionCases(Cases):
    """Questions and plans."""

    @pytest.fixture
    def answered_turn(self, recorder: TurnRecorder, subject: RuntimeSubject) -> Recording:
        """A turn whose first question was answered with its first label."""
        if subject.question is None:
            return skip_without("questions")
        return recorder.answered_turn(subject.question(), "question", _first_label)

    def test_a_question_is_a_form(self, answered_turn: Recording) -> None:
        for question in _questions(answered_turn.bodies("question")[0]):
            assert {"question", "header", "options", "multiSelect"} <= set(question)
            options = question["options"]
            assert isinstance(options, list)
            assert all(isinstance(o, dict) and {"label", "description"} <= set(o) for o in options)

    def test_an_answer_reaches_the_agent(self, answered_turn: Recording) -> None:
        label = _label(answered_turn.bodies("question")[0])
        assert label in answered_turn.text
        resolved = answered_turn.body("question-resolved")
        assert resolved["call_id"] == answered_turn.body("question")["call_id"]
        assert answered_turn.terminal.event == "done"

    def test_a_map_of_answers_reaches_the_agent(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.question is None:
            return skip_without("questions")
        turn = chat.run_and_answer(
            subject.question(), "question", _map_of_labels, session_id=recorder.session_id
        )
        assert _label(turn.bodies("question")[0]) in turn.text
        return None

    def test_a_question_that_nobody_answers_ends(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.question is None:
            return skip_without("questions")
        turn = chat.run_turn(
            subject.question(), seconds=PERMISSION_SECONDS + 20, session_id=recorder.session_id
        )
        assert turn.body("question-resolved")["reason"] == "timeout"
        assert turn.terminal.event == "done"
        return None

    def test_a_plan_is_accepted(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.plan is None:
            return skip_without("plans")
        accept = json.dumps({"action": "accept"})
        turn = chat.run_and_answer(
            subject.plan(), "plan-review", accept, agent="plan", session_id=recorder.session_id
        )
        review = turn.body("plan-review")
        assert {"call_id", "title", "plan", "files_to_modify"} <= set(review)
        assert review["plan"]
        assert turn.terminal.event == "done"
        return None

    def test_a_plan_is_stopped(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        if subject.plan is None:
            return skip_without("plans")
        stop = json.dumps({"action": "stop"})
        turn = chat.run_and_answer(
            subject.plan(), "plan-review", stop, agent="plan", session_id=recorder.session_id
        )
        assert len(turn.bodies("plan-review")) == 1
        assert turn.terminal.event == "done"
        return None


def _questions(body: Body) -> list[Body]:
    arguments = body["arguments"]
    assert isinstance(arguments, dict)
    questions = arguments["questions"]
    assert isinstance(questions, list)
    assert questions
    return [question for question in questions if isinstance(question, dict)]


def _label(body: Body) -> str:
    options = _questions(body)[0]["options"]
    assert isinstance(options, list)
    assert isinstance(options[0], dict)
    return str(options[0]["label"])


def _first_label(request: Frame) -> str:
    return _label(request.data)


def _map_of_labels(request: Frame) -> str:
    questions = [str(question["question"]) for question in _questions(request.data)]
    return json.dumps(dict.fromkeys(questions, _label(request.data)))
