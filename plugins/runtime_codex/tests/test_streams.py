"""What the real app-server sent, replayed through the translator."""

from pathlib import Path

from xo_cowork_core.sdk import (
    AgentFailure,
    Desync,
    ModelLoading,
    ReasoningDelta,
    StepFinish,
    TextDelta,
    Tokens,
    ToolCall,
    ToolError,
    ToolResult,
)
from xo_cowork_core.sdk.kit import parse_message
from xo_runtime_codex.protocol.usage import tokens_of
from xo_runtime_codex.run.approvals import COMMAND, ApprovalRequest
from xo_runtime_codex.run.translator import Item, RequestResolved, Translator, TurnEnded

STREAMS = Path(__file__).parent / "fixtures" / "streams"


def replay(name: str) -> tuple[list[Item], Translator]:
    lines = (STREAMS / f"{name}.jsonl").read_bytes().splitlines()
    records = [record for line in lines if (record := parse_message(line))]
    translator = Translator()
    translator.turn_id = next(
        str(record["params"]["turn"]["id"])
        for record in records
        if record["method"] == "turn/started"
    )
    return list(translator.items(records)), translator


def test_a_cut_stream_is_retracted_before_it_is_sent_again() -> None:
    items, _ = replay("drop_paced")
    cut = next(index for index, item in enumerate(items) if isinstance(item, Desync))
    before = "".join(i.text for i in items[:cut] if isinstance(i, TextDelta))
    after = "".join(i.text for i in items[cut:] if isinstance(i, TextDelta))
    assert before == after == "alpha beta gamma "
    assert any(isinstance(item, ModelLoading) for item in items[cut:])
    assert isinstance(end := items[-1], TurnEnded)
    assert isinstance(end.failure, AgentFailure)
    assert end.failure.code == "network"
    assert "stream disconnected" in end.failure.message


def test_an_approval_names_its_call_and_its_id_may_be_zero() -> None:
    items, translator = replay("approval")
    request = next(item for item in items if isinstance(item, ApprovalRequest))
    call = next(item for item in items if isinstance(item, ToolCall))
    assert request.method == COMMAND
    assert request.record["id"] == 0
    assert request.call_id == call.call_id
    assert call.tool == "bash"
    assert call.arguments["command"] == "touch /tmp/xo-home/proj/esc.txt && echo made"
    assert RequestResolved(0) in items
    result = next(item for item in items if isinstance(item, ToolResult))
    assert result.output == "made\n"
    assert "".join(i.text for i in items if isinstance(i, ReasoningDelta)) == "some thought "
    assert [item.status for item in items if isinstance(item, TurnEnded)] == ["completed"]
    assert not translator.tools_running


def test_usage_is_summed_over_the_model_calls() -> None:
    items, translator = replay("approval")
    steps = [item for item in items if isinstance(item, StepFinish)]
    assert [step.reason for step in steps] == ["tool_use", "stop"]
    assert translator.tokens == steps[0].tokens + steps[1].tokens
    assert translator.tokens == Tokens(input=11152 + 11329, output=8 + 2)


def test_cached_and_reasoning_tokens_are_counted_once() -> None:
    usage = {
        "inputTokens": 100,
        "cachedInputTokens": 60,
        "cacheWriteInputTokens": 10,
        "outputTokens": 9,
        "reasoningOutputTokens": 4,
    }
    assert tokens_of(usage) == Tokens(30, 5, 4, 60, 10)
    assert tokens_of({"input_tokens": 7, "cached_input_tokens": 2}) == Tokens(5, cache_read=2)
    assert tokens_of({"inputTokens": True, "outputTokens": "9"}) == tokens_of(None) == Tokens()


def test_an_interrupted_command_is_over() -> None:
    items, translator = replay("interrupt_tool")
    ends = [item for item in items if isinstance(item, TurnEnded)]
    assert ends[0].status == "interrupted"
    assert ends[0].failure is None
    assert any(isinstance(item, ToolCall) for item in items)
    assert not any(isinstance(item, ToolError) and not item.error_message for item in items)
    assert translator.called_tool
