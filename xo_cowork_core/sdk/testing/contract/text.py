"""Cases: text arrives complete and unchanged."""

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import CONTEXT, Cases
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

MARKDOWN = (
    "# Title\n\n- one\n- two\n\n```python\nprint('a')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)
UNICODE = "Grüße, 日本語, עברית, 👩‍👩‍👧‍👦 \U0001f680 e\u0301 \u2028 \u2029 \u0085 end"
MEGABYTE = 1 << 20


class TextCases(Cases):
    """The agent's text and reasoning."""

    def _check_text(self, chat: Chat, subject: RuntimeSubject, text: str) -> None:
        turn = chat.run_turn(subject.say(text))
        assert turn.text == text
        assert turn.terminal.event == "done"

    def test_text_arrives_exactly(self, chat: Chat, subject: RuntimeSubject) -> None:
        self._check_text(chat, subject, "The quick brown fox. Twice: the quick brown fox.")

    def test_text_in_all_scripts_arrives_exactly(self, chat: Chat, subject: RuntimeSubject) -> None:
        self._check_text(chat, subject, UNICODE)

    def test_line_ends_arrive_exactly(self, chat: Chat, subject: RuntimeSubject) -> None:
        self._check_text(chat, subject, "one\ntwo\r\nthree\rfour\n\nfive")

    def test_markdown_arrives_exactly(self, chat: Chat, subject: RuntimeSubject) -> None:
        self._check_text(chat, subject, MARKDOWN + "end")

    def test_text_like_the_framing_arrives_exactly(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        self._check_text(chat, subject, "a\n\nid: 7\nevent: done\ndata: {}\n\n: comment\n\nb")

    def test_text_of_many_words_arrives_exactly(self, chat: Chat, subject: RuntimeSubject) -> None:
        self._check_text(chat, subject, " ".join(f"word-{number}" for number in range(2000)))

    def test_an_answer_without_text_ends_well(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.run_turn(subject.nothing() if subject.nothing else subject.say("x"))
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

    def test_reasoning_is_kept_apart_from_text(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.run_turn(subject.reasoning() if subject.reasoning else subject.say("Plain."))
        thoughts = "".join(str(body["text"]) for body in turn.bodies("reasoning-delta"))
        assert bool(thoughts) == bool(subject.reasoning)
        assert turn.text
        assert not thoughts or thoughts not in turn.text
