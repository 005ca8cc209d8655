"""Cases: the agent asks the user, or shows a plan."""

import json

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import PERMISSION_SECONDS, Cases, absent
from xo_cowork_core.sdk.testing.frames import Body, Frame
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class QuestionCases(Cases):
    """Questions and plans."""

    def test_a_question_is_a_form(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.question is None:
            return absent("questions")
        turn = chat.ask_turn(subject.question(), "question", _first_label)
        for question in _questions(turn.bodies("question")[0]):
            assert {"question", "header", "options", "multiSelect"} <= set(question)
            options = question["options"]
            assert isinstance(options, list)
            assert all(isinstance(o, dict) and {"label", "description"} <= set(o) for o in options)
        return None

    def test_an_answer_reaches_the_agent(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.question is None:
            return absent("questions")
        turn = chat.ask_turn(subject.question(), "question", _first_label)
        label = _label(turn.bodies("question")[0])
        assert label in turn.text
        assert turn.body("question-resolved")["call_id"] == turn.body("question")["call_id"]
        assert turn.terminal.event == "done"
        return None

    def test_a_map_of_answers_reaches_the_agent(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.question is None:
            return absent("questions")
        turn = chat.ask_turn(subject.question(), "question", _map_of_labels)
        assert _label(turn.bodies("question")[0]) in turn.text
        return None

    def test_a_question_that_nobody_answers_ends(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.question is None:
            return absent("questions")
        turn = chat.run_turn(subject.question(), seconds=PERMISSION_SECONDS + 20)
        assert turn.body("question-resolved")["reason"] == "timeout"
        assert turn.terminal.event == "done"
        return None

    def test_a_plan_is_accepted(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.plan is None:
            return absent("plans")
        accept = json.dumps({"action": "accept"})
        turn = chat.ask_turn(subject.plan(), "plan-review", accept, agent="plan")
        shown = turn.body("plan-review")
        assert {"call_id", "title", "plan", "files_to_modify"} <= set(shown)
        assert shown["plan"]
        assert turn.terminal.event == "done"
        return None

    def test_a_plan_is_stopped(self, chat: Chat, subject: RuntimeSubject) -> None:
        if subject.plan is None:
            return absent("plans")
        stop = json.dumps({"action": "stop"})
        turn = chat.ask_turn(subject.plan(), "plan-review", stop, agent="plan")
        assert len(turn.bodies("plan-review")) == 1
        assert turn.terminal.event == "done"
        return None


def _questions(asked: Body) -> list[Body]:
    arguments = asked["arguments"]
    assert isinstance(arguments, dict)
    questions = arguments["questions"]
    assert isinstance(questions, list)
    assert questions
    return [question for question in questions if isinstance(question, dict)]


def _label(asked: Body) -> str:
    options = _questions(asked)[0]["options"]
    assert isinstance(options, list)
    assert isinstance(options[0], dict)
    return str(options[0]["label"])


def _first_label(asked: Frame) -> str:
    return _label(asked.data)


def _map_of_labels(asked: Frame) -> str:
    questions = [str(question["question"]) for question in _questions(asked.data)]
    return json.dumps(dict.fromkeys(questions, _label(asked.data)))
