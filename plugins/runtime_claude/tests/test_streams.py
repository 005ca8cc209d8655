"""What the real CLI printed becomes the events that it means."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xo_cowork_core.sdk import (
    AgentFailure,
    Desync,
    Done,
    ModelLoading,
    ReasoningDelta,
    StepFinish,
    StepStart,
    Tokens,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_runtime_claude.run.approvals import ApprovalRequest
from xo_runtime_claude.run.translator import Item, RequestCancelled, Translator, TurnEnd
from xo_runtime_claude.usage import UsageMeter

STREAMS = Path(__file__).parent / "fixtures" / "streams"
Replay = Callable[[str], list[list[Item]]]
TextOf = Callable[[Sequence[Item]], str]


def end_of(items: Sequence[Item]) -> Done | AgentFailure:
    ends = [item for item in items if isinstance(item, TurnEnd)]
    assert len(ends) == 1
    assert items[-1] is ends[0]
    return ends[0].final


def test_plain_text_comes_once(replay: Replay, text_of: TextOf) -> None:
    (turn,) = replay("oneshot_new")
    assert text_of(turn) == "first turn here "
    assert [item.session_mismatch for item in turn if isinstance(item, TurnEnd)] == [False]
    assert end_of(turn) == Done(
        "stop", Tokens(input=12535, output=3), 0.0502, "claude-opus-5-5", "anthropic"
    )


def test_turns_of_one_process_have_their_own_figures(replay: Replay) -> None:
    ends = [end_of(turn) for turn in replay("warm_session")]
    done = [end for end in ends if isinstance(end, Done)]
    assert [end.tokens.output for end in done if end.tokens] == [3, 9, 6, 10, 3]
    assert all(end.cost is not None and 0.05 < end.cost < 0.12 for end in done)


def test_an_interrupted_turn_counts_its_tokens(replay: Replay, text_of: TextOf) -> None:
    turn = replay("warm_session")[3]
    end = end_of(turn)
    assert isinstance(end, Done)
    assert (end.finish_reason, end.tokens) == ("aborted", Tokens(input=14067, output=10))
    assert text_of(turn) == "tick " * 6


def test_a_tool_has_call_permission_and_result(replay: Replay) -> None:
    turn = replay("warm_session")[1]
    kinds = [
        type(item) for item in turn if isinstance(item, ToolCall | ApprovalRequest | ToolResult)
    ]
    assert kinds == [ToolCall, ApprovalRequest, ToolResult]
    call = next(item for item in turn if isinstance(item, ToolCall))
    assert call.tool == "write"
    assert call.arguments["content"] == "hi from fake\n"
    result = next(item for item in turn if isinstance(item, ToolResult))
    assert (result.call_id, result.metadata["created"]) == (call.call_id, True)


def test_a_refused_tool_is_an_error(replay: Replay) -> None:
    (error,) = [item for item in replay("warm_session")[2] if isinstance(item, ToolError)]
    assert (error.tool, error.error_message) == ("bash", "The user said no")


def test_steps_open_and_close(replay: Replay) -> None:
    steps = [i for i in replay("warm_session")[1] if isinstance(i, StepStart | StepFinish)]
    assert [type(step) for step in steps] == [StepStart, StepFinish] * 2
    reasons = [step.reason for step in steps if isinstance(step, StepFinish)]
    assert reasons == ["tool_use", "stop"]
    assert [step.step for step in steps if isinstance(step, StepStart)] == [1, 2]


def test_thinking_is_reasoning(replay: Replay) -> None:
    (turn,) = replay("tool_bash_think")
    thoughts = [item.text for item in turn if isinstance(item, ReasoningDelta)]
    assert "".join(thoughts) == "let me think "


def test_a_subagents_words_stay_out(replay: Replay, text_of: TextOf) -> None:
    turns = replay("queue_skill_question")
    assert [text_of(turn) for turn in turns if text_of(turn)][-1] == "sub done "
    assert not any("fake model" in text_of(turn) for turn in turns)


def test_a_turn_lasts_until_its_subagents_have_reported(replay: Replay, text_of: TextOf) -> None:
    (turn,) = replay("subagent_in_background")
    assert text_of(turn) == "beforeafterthird"
    end = end_of(turn)
    assert isinstance(end, Done)
    steps = [item.step for item in turn if isinstance(item, StepStart)]
    assert steps == [1, 2, 3]
    # the parent's three calls and the subagent's own
    assert end.tokens == Tokens(input=41496 + 7246, output=17, cache_read=28)
    assert end.cost == pytest.approx(0.1953136)


def test_a_command_without_a_model_answers_once(replay: Replay, text_of: TextOf) -> None:
    turn = replay("queue_skill_question")[4]
    assert text_of(turn).count("## Context Usage") == 1


def test_what_a_process_does_by_itself_stays_out(text_of: TextOf) -> None:
    meter = UsageMeter()
    background = b'{"type":"assistant","message":{"content":[{"type":"text","text":"by itself"}]}}'
    result = b'{"type":"result","is_error":false,"result":"by itself"}'
    lifecycle = b'{"type":"command_lifecycle","command_uuid":"mine","state":"%s"}'
    ours = background.replace(b"by itself", b"asked for")
    lines = [
        background,
        lifecycle % b"queued",
        result,
        lifecycle % b"started",
        ours,
        result.replace(b"by itself", b"asked for"),
    ]
    items = list(Translator("mine", meter, waits=True).items(lines))
    assert text_of(items) == "asked for"
    assert isinstance(items[-1], TurnEnd)


def test_a_retried_stream_is_retracted(replay: Replay, text_of: TextOf) -> None:
    (turn,) = replay("stream_drop_paced")
    assert any(isinstance(item, Desync) for item in turn)
    assert any(isinstance(item, ModelLoading) for item in turn)
    assert text_of(turn) == ""


def test_a_pending_request_is_withdrawn(replay: Replay) -> None:
    (turn,) = replay("interrupt_pending_permission")
    (ask,) = [item for item in turn if isinstance(item, ApprovalRequest)]
    assert [item for item in turn if isinstance(item, RequestCancelled)] == [
        RequestCancelled(ask.request_id)
    ]


def test_an_unknown_session_is_a_wrong_start(replay: Replay) -> None:
    (turn,) = replay("resume_unknown")
    assert isinstance(turn[-1], TurnEnd)
    assert turn[-1].session_mismatch


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("error_401", "auth", "Invalid API key"),
        ("no_credentials", "auth", "claude auth login"),
        ("error_429_retry1", "rate_limit", "fake upstream error 429"),
        ("error_500_retry1", "upstream", "fake upstream error 500"),
        ("no_network_retry1", "network", "ECONNREFUSED"),
        ("stream_error_event", "network", "ECONNRESET"),
    ],
)
def test_failures_have_true_text_and_code(
    replay: Replay, text_of: TextOf, name: str, code: str, words: str
) -> None:
    (turn,) = replay(name)
    failure = end_of(turn)
    assert isinstance(failure, AgentFailure)
    assert (failure.code, words in failure.message) == (code, True)
    assert text_of(turn) == ""


def test_a_question_is_not_a_tool_call(replay: Replay) -> None:
    turn = replay("queue_skill_question")[5]
    assert [item.tool for item in turn if isinstance(item, ApprovalRequest)] == ["AskUserQuestion"]
    assert not [item for item in turn if isinstance(item, ToolCall | ToolResult)]


def test_a_retry_that_helped_leaves_the_answer_alone(replay: Replay, text_of: TextOf) -> None:
    (turn,) = replay("error_529_then_ok")
    labels = [item.label for item in turn if isinstance(item, ModelLoading)]
    assert labels == ["Retrying, attempt 1 of 1 (529)"]
    assert text_of(turn) == "recovered now "
    end = end_of(turn)
    assert isinstance(end, Done)
    assert (end.finish_reason, end.tokens) == ("stop", Tokens(input=12540, output=2))


def test_a_tool_that_was_interrupted_is_an_error_and_the_turn_aborted(replay: Replay) -> None:
    (turn,) = replay("interrupted_control_during_tool")
    (call,) = [item for item in turn if isinstance(item, ToolCall)]
    (error,) = [item for item in turn if isinstance(item, ToolError)]
    assert error.call_id == call.call_id
    assert "doesn't want to proceed" in error.error_message
    end = end_of(turn)
    assert isinstance(end, Done)
    assert (end.finish_reason, end.tokens) == ("aborted", Tokens(input=13726, output=4))


def test_a_turn_that_reached_its_limit_of_calls_fails(replay: Replay) -> None:
    (turn,) = replay("max_turns")
    assert [item.output for item in turn if isinstance(item, ToolResult)] == ["a"]
    failure = end_of(turn)
    assert isinstance(failure, AgentFailure)
    assert failure.message == "Reached maximum number of turns (1)"


@pytest.mark.parametrize("name", sorted(file.stem for file in STREAMS.glob("*.jsonl")))
def test_every_recorded_turn_closes_its_steps_and_calls(replay: Replay, name: str) -> None:
    turns = replay(name)
    assert turns
    for turn in turns:
        if any(isinstance(item, TurnEnd) for item in turn) or turn is not turns[-1]:
            end_of(turn)  # a recording may stop in the midst of what the CLI does by itself
        steps = [item for item in turn if isinstance(item, StepStart | StepFinish)]
        kinds = [StepStart if index % 2 == 0 else StepFinish for index in range(len(steps))]
        assert [type(step) for step in steps] == kinds
        assert not steps or isinstance(steps[-1], StepFinish)
        calls = [item.call_id for item in turn if isinstance(item, ToolCall)]
        results = [item.call_id for item in turn if isinstance(item, ToolResult | ToolError)]
        assert len(set(calls)) == len(calls)
        assert set(results) <= set(calls)
        assert len(set(results)) == len(results)
