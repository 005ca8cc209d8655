"""Cases: the order and ids of events, replay, and several readers."""

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import RECORD, Cases
from xo_cowork_core.sdk.testing.contract.recorder import TurnRecorder
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject


class OrderCases(Cases):
    """The event stream of one turn."""

    @pytest.fixture
    def words_turn(self, recorder: TurnRecorder, subject: RuntimeSubject) -> Recording:
        """A turn of many words, the first of its session."""
        return recorder.turn(subject.say(RECORD))

    def test_a_new_session_is_named_first(self, words_turn: Recording) -> None:
        assert words_turn.events[0] == "session-created"
        assert words_turn.body("session-created") == {"session_id": words_turn.session_id}

    def test_ids_are_contiguous_from_one(self, words_turn: Recording) -> None:
        assert words_turn.ids == list(range(1, len(words_turn.ids) + 1))

    def test_one_terminal_event_comes_last(self, words_turn: Recording) -> None:
        assert words_turn.terminal is words_turn.frames[-1]
        assert words_turn.terminal.event == "done"

    def test_every_delta_names_its_session(self, words_turn: Recording) -> None:
        assert {str(body["session_id"]) for body in words_turn.bodies("text-delta")} == {
            words_turn.session_id
        }

    def test_done_has_reason_session_tokens_and_cost(
        self, words_turn: Recording, subject: RuntimeSubject
    ) -> None:
        done = words_turn.body("done")
        assert done["finish_reason"] == "stop"
        assert isinstance(done["session_id"], str)
        assert done["cost"] is None or isinstance(done["cost"], int | float)
        tokens = done["tokens"]
        assert (tokens is not None) == subject.counts_tokens
        if isinstance(tokens, dict):
            assert set(tokens) == {"input", "output", "reasoning", "cache_read", "cache_write"}
            assert isinstance(output := tokens["output"], int)
            assert output > 0

    def test_two_readers_get_the_same(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        turn = chat.prompt(subject.say(RECORD), session_id=recorder.session_id)
        with chat.stream(turn.stream_id) as one, chat.stream(turn.stream_id) as other:
            assert one.rest() == other.rest()

    def test_a_late_reader_gets_the_whole_turn(self, chat: Chat, words_turn: Recording) -> None:
        with chat.stream(words_turn.stream_id) as late:
            assert late.rest() == words_turn.frames

    def test_replay_starts_after_the_last_id(self, chat: Chat, words_turn: Recording) -> None:
        for after in (1, len(words_turn.ids) // 2, len(words_turn.ids) - 1):
            with chat.stream(words_turn.stream_id, after=after) as again:
                assert again.rest() == words_turn.frames[after:]

    def test_the_larger_of_header_and_query_wins(self, chat: Chat, words_turn: Recording) -> None:
        with chat.stream(words_turn.stream_id, after=1, query="?last_event_id=2") as again:
            assert again.start_at(2).rest() == words_turn.frames[2:]
        with chat.stream(words_turn.stream_id, after=2, query="?last_event_id=1") as again:
            assert again.rest() == words_turn.frames[2:]

    def test_an_unreadable_last_id_counts_as_none(self, chat: Chat, words_turn: Recording) -> None:
        with chat.stream(words_turn.stream_id, query="?last_event_id=abc") as again:
            assert again.rest() == words_turn.frames

    def test_the_terminal_event_is_repeated(self, chat: Chat, words_turn: Recording) -> None:
        last = words_turn.ids[-1]
        with chat.stream(words_turn.stream_id, after=last) as again:
            assert again.rest()[-1] == words_turn.terminal

    def test_a_reader_that_leaves_ends_nothing(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        prompt = subject.slow_text(1) if subject.slow_text else subject.say(RECORD)
        turn = chat.prompt(prompt, session_id=recorder.session_id)
        with chat.stream(turn.stream_id) as leaver:
            leaver.wait_for("text-delta")
        rest = chat.read(turn)
        assert rest.terminal.event == "done"
        assert rest.frames[: len(leaver.frames)] == leaver.frames

    def test_a_turn_needs_no_reader(
        self, chat: Chat, subject: RuntimeSubject, recorder: TurnRecorder
    ) -> None:
        turn = chat.prompt(subject.say(RECORD), session_id=recorder.session_id)
        answer = chat.http.get("/health")
        assert answer.status_code == 200
        assert chat.read(turn).text == RECORD

    def test_an_unknown_stream_gets_one_error_event(self, chat: Chat) -> None:
        with chat.stream("00000000-0000-4000-8000-000000000000") as stream:
            frames = list(stream)
        assert [(frame.event, frame.data) for frame in frames] == [
            ("error", {"error_message": "Stream not found"})
        ]
