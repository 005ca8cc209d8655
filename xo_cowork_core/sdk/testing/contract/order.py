"""Cases: the order and ids of events, replay, and several readers."""

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import Cases
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

WORDS = " ".join(f"w{number}" for number in range(40))


class OrderCases(Cases):
    """The event stream of one turn."""

    def _words(self, chat: Chat, subject: RuntimeSubject) -> Recording:
        return chat.run_turn(subject.say(WORDS))

    def test_a_new_session_is_named_first(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        assert turn.events[0] == "session-created"
        assert turn.body("session-created") == {"session_id": turn.session_id}

    def test_ids_are_contiguous_from_one(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        assert turn.ids == list(range(1, len(turn.ids) + 1))

    def test_one_terminal_event_comes_last(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        assert turn.terminal is turn.frames[-1]
        assert turn.terminal.event == "done"

    def test_every_delta_names_its_session(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        assert {str(body["session_id"]) for body in turn.bodies("text-delta")} == {turn.session_id}

    def test_done_has_reason_session_tokens_and_cost(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        done = self._words(chat, subject).body("done")
        assert done["finish_reason"] == "stop"
        assert isinstance(done["session_id"], str)
        assert done["cost"] is None or isinstance(done["cost"], int | float)
        tokens = done["tokens"]
        assert (tokens is not None) == subject.counts_tokens
        if isinstance(tokens, dict):
            assert set(tokens) == {"input", "output", "reasoning", "cache_read", "cache_write"}
            assert isinstance(output := tokens["output"], int)
            assert output > 0

    def test_two_readers_get_the_same(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.prompt(subject.say(WORDS))
        with chat.stream(turn.stream_id) as one, chat.stream(turn.stream_id) as other:
            assert one.rest() == other.rest()

    def test_a_late_reader_gets_the_whole_turn(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        with chat.stream(turn.stream_id) as late:
            assert late.rest() == turn.frames

    def test_replay_starts_after_the_last_id(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        for after in (1, len(turn.ids) // 2, len(turn.ids) - 1):
            with chat.stream(turn.stream_id, after=after) as again:
                assert again.rest() == turn.frames[after:]

    def test_the_larger_of_header_and_query_wins(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        with chat.stream(turn.stream_id, after=1, query="?last_event_id=2") as again:
            assert again.start_at(2).rest() == turn.frames[2:]
        with chat.stream(turn.stream_id, after=2, query="?last_event_id=1") as again:
            assert again.rest() == turn.frames[2:]

    def test_an_unreadable_last_id_counts_as_none(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        turn = self._words(chat, subject)
        with chat.stream(turn.stream_id, query="?last_event_id=abc") as again:
            assert again.rest() == turn.frames

    def test_the_terminal_event_is_repeated(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = self._words(chat, subject)
        last = turn.ids[-1]
        with chat.stream(turn.stream_id, after=last) as again:
            assert again.rest()[-1] == turn.terminal

    def test_a_reader_that_leaves_ends_nothing(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.prompt(subject.slow_text(1) if subject.slow_text else subject.say(WORDS))
        with chat.stream(turn.stream_id) as leaver:
            leaver.wait_for("text-delta")
        rest = chat.read(turn)
        assert rest.terminal.event == "done"
        assert rest.frames[: len(leaver.frames)] == leaver.frames

    def test_a_turn_needs_no_reader(self, chat: Chat, subject: RuntimeSubject) -> None:
        turn = chat.prompt(subject.say(WORDS))
        answer = chat.http.get("/health")
        assert answer.status_code == 200
        assert chat.read(turn).text == WORDS

    def test_an_unknown_stream_gets_one_error_event(self, chat: Chat) -> None:
        with chat.stream("00000000-0000-4000-8000-000000000000") as stream:
            frames = list(stream)
        assert [(frame.event, frame.data) for frame in frames] == [
            ("error", {"error_message": "Stream not found"})
        ]
