"""Cases: text arrives complete and unchanged."""

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import CONTEXT, Cases
from xo_cowork_core.sdk.testing.contract.recorder import FIRST, TurnRecorder
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

MARKDOWN = (
    "# Title\n\n- one\n- two\n\n```python\nprint('a')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)
MEGABYTE = 1 << 20
FRAMING = "a\n\nid: 7\nevent: done\ndata: {}\n\n: comment\n\nb"
UNICODE = "Grüße, 日本語, עברית, 👩‍👩‍👧‍👦 \U0001f680 e\u0301 \u2028 \u2029 \u0085 end"


class TextCases(Cases):
    """The agent's text and reasoning."""

    def test_text_arrives_exactly(self, recorder: TurnRecorder) -> None:
        turn = recorder.first_turn
        assert turn.text == FIRST
        assert turn.terminal.event == "done"

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(UNICODE, id="all scripts"),
            pytest.param("one\ntwo\r\nthree\rfour\n\nfive", id="line ends"),
            pytest.param(MARKDOWN + "end", id="markdown"),
            pytest.param(FRAMING, id="framing"),
            pytest.param(" ".join(f"word-{number}" for number in range(2000)), id="many words"),
        ],
    )
    def test_later_text_arrives_exactly(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder, text: str
    ) -> None:
        turn = chat.run_turn(subject.say(text), session_id=recorder.session_id)
        assert turn.text == text
        assert turn.terminal.event == "done"

    def test_an_answer_without_text_ends_well(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        prompt = subject.nothing() if subject.nothing else subject.say("x")
        turn = chat.run_turn(prompt, session_id=recorder.session_id)
        assert turn.text == ("" if subject.nothing else "x")
        assert turn.terminal.event == "done"

    def test_a_prompt_of_one_megabyte_is_taken_whole(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        padding = "weiß " * (MEGABYTE // 5)
        turn = chat.run_turn(subject.say("Read it all.") + CONTEXT + padding)
        assert turn.text == "Read it all."
        assert turn.terminal.event == "done"

    def test_an_empty_prompt_is_refused(self, chat: Chat) -> None:
        for text in ("", " \n\t "):
            answer = chat.send(text)
            assert answer.status_code == 400
            assert answer.json()["detail"] == "Empty message"

    def test_reasoning_is_kept_apart_from_text(
        self, recorder: TurnRecorder, subject: RuntimeSubject
    ) -> None:
        turn = recorder.turn(subject.reasoning() if subject.reasoning else subject.say("Plain."))
        thoughts = "".join(str(body["text"]) for body in turn.bodies("reasoning-delta"))
        assert bool(thoughts) == bool(subject.reasoning)
        assert turn.text
        assert not thoughts or thoughts not in turn.text
