"""An event of a wrong type ends its turn with a word for the author, and is kept nowhere."""

from xo_cowork_core.sdk.testing import Chat

MISTAKES = {
    "text": "run yielded str, which is no Event",
    "nothing": "run yielded NoneType, which is no Event",
    "number": "TextDelta.text must be str, not int",
    "bytes": "ToolResult.output must be str, not bytes",
    "list": "ToolCall.arguments must be Mapping[str, ",
    "words": "Question.questions must be Sequence[QuestionItem], not list",
    "tokens": "Done.tokens must be Tokens | None, not dict",
    "counts": "Done.tokens must be Tokens | None, not Tokens with fields of other types",
    "reason": "Done.finish_reason must be one of 'stop', 'aborted', 'length', not str",
    "interrupt": "the runtime raised KeyboardInterrupt",
}


def test_an_event_of_a_wrong_type_ends_its_turn_and_the_log_says_what_is_wrong(serve_plugin):
    found = serve_plugin("odd_events")
    chat = Chat(found.server, "odd")
    turn = chat.run_turn("well", seconds=10)
    for mistake, words in MISTAKES.items():
        turn = chat.run_turn(mistake, session_id=turn.session_id, seconds=10)
        assert (turn.text, turn.terminal.event) == ("Well. ", "agent-error"), mistake
        number = str(turn.terminal.data["error_message"]).rpartition(" ")[2]
        assert words in found.server.log.partition(number)[2], mistake
    assert chat.active() == []
    assert len(chat.messages(turn.session_id)) == 2 * (len(MISTAKES) + 1)
    found.assert_others_work()
