"""An event of a wrong type ends its turn with a word for the author, and is kept nowhere."""

from xo_cowork_core.sdk.testing import Chat

MISTAKES = {
    "text": "run() must yield events of the SDK, not str",
    "nothing": "run() must yield events of the SDK, not None",
    "number": "TextDelta.text must be str, not int",
    "bytes": "ToolResult.output must be str, not bytes",
    "list": "ToolCall.arguments must be a dict that JSON can hold, not list",
    "words": "Question.questions[0] must be QuestionItem, not str",
    "tokens": "Done.tokens must be Tokens or None, not dict",
    "counts": "Done.tokens.input must be int, not str",
    "reason": "Done.finish_reason must be one of 'stop', 'aborted', 'length', not 'finished'",
    "interrupt": "run() raised KeyboardInterrupt",
}


def test_an_event_of_a_wrong_type_ends_its_turn_and_the_log_says_what_is_wrong(serve_plugin):
    found = serve_plugin("odd_events")
    chat = Chat(found.server, "odd")
    turn = chat.run_turn("well", seconds=30)
    for mistake, words in MISTAKES.items():
        turn = chat.run_turn(mistake, session_id=turn.session_id, seconds=30)
        assert (turn.text, turn.terminal.event) == ("Well. ", "agent-error"), mistake
        number = str(turn.terminal.data["error_message"]).rpartition(" ")[2]
        assert words in found.server.log.partition(number)[2], mistake
    assert chat.active() == []
    assert len(chat.messages(turn.session_id)) == 2 * (len(MISTAKES) + 1)
    found.assert_others_work()
