"""Any records in any order: nothing raises, no text is lost or doubled."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import Desync, StepFinish, StepStart, TextDelta, ToolCall, ToolResult
from xo_runtime_codex.run.translator import Item, Translator, TurnEnded
from xo_runtime_codex.server.thread_queue import Record

TURN = "turn-1"
WORDS = st.text(min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
METHODS = st.sampled_from(
    [
        "error",
        "item/started",
        "item/completed",
        "item/agentMessage/delta",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/summaryPartAdded",
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/tool/requestUserInput",
        "mcpServer/elicitation/request",
        "serverRequest/resolved",
        "thread/tokenUsage/updated",
        "turn/plan/updated",
        "turn/completed",
        "unheard/of",
    ]
)
TYPES = st.sampled_from(
    ["agentMessage", "commandExecution", "fileChange", "mcpToolCall", "reasoning", "webSearch"]
)
KEYS = ["item", "error", "plan", "tokenUsage", "turn", "delta", "questions", "itemId", "willRetry"]
ITEMS = st.dictionaries(
    st.sampled_from(["id", "command", "changes", "status", "arguments", "result", "text"]), JSON
).flatmap(lambda item: TYPES.map(lambda kind: {**item, "type": kind}))
BODIES = st.dictionaries(st.sampled_from(KEYS), JSON | ITEMS, max_size=4)


def notification(method: str, **params: object) -> Record:
    return {"method": method, "params": {"turnId": TURN, **params}}


def delta(item_id: str, text: str) -> Record:
    return notification("item/agentMessage/delta", itemId=item_id, delta=text)


def completed(item_id: str, text: str) -> Record:
    return notification(
        "item/completed", item={"type": "agentMessage", "id": item_id, "text": text}
    )


CUT = notification("error", error={"message": "Reconnecting... 1/5"}, willRetry=True)
USED = notification("thread/tokenUsage/updated", tokenUsage={"last": {"inputTokens": 3}})


@st.composite
def messages(draw: st.DrawFn, name: int) -> tuple[list[Record], str]:
    """One message: cut tries before it, some of its chunks, its true text."""
    records: list[Record] = []
    for attempt in range(draw(st.integers(0, 2))):
        chunks = draw(st.lists(WORDS, max_size=3))
        records += [delta(f"cut-{name}-{attempt}", chunk) for chunk in chunks]
        records.append(CUT)
    chunks = draw(st.lists(WORDS, min_size=1, max_size=5))
    shown = draw(st.integers(0, len(chunks)))
    records += [delta(f"item-{name}", chunk) for chunk in chunks[:shown]]
    records += [completed(f"item-{name}", "".join(chunks)), USED]
    return records, "".join(chunks)


@st.composite
def turns(draw: st.DrawFn) -> tuple[list[Record], str]:
    """Messages, with foreign and unknown records between."""
    records: list[Record] = []
    whole = ""
    for name in range(draw(st.integers(1, 4))):
        more, text = draw(messages(name))
        records += more
        whole += text
    foreign = {"method": "item/agentMessage/delta", "params": {"turnId": "other", "delta": "no"}}
    for place in draw(st.lists(st.integers(0, len(records)), max_size=3)):
        records.insert(place, foreign)
    return records, whole


def final(items: Sequence[Item]) -> str:
    pieces: list[str] = []
    for item in items:
        if isinstance(item, Desync):
            pieces.clear()
        elif isinstance(item, TextDelta):
            pieces.append(item.text)
    return "".join(pieces)


def translator() -> Translator:
    fresh = Translator()
    fresh.turn_id = TURN
    return fresh


@given(turns())
@settings(max_examples=300, deadline=None)
def test_readers_end_with_the_true_text(turn: tuple[list[Record], str]) -> None:
    records, whole = turn
    assert final(list(translator().items(records))) == whole


@given(turns())
@settings(max_examples=100, deadline=None)
def test_every_step_that_starts_ends(turn: tuple[list[Record], str]) -> None:
    records = [*turn[0], notification("turn/completed", turn={"id": TURN, "status": "completed"})]
    items = list(translator().items(records))
    steps = [type(item) for item in items if isinstance(item, StepStart | StepFinish)]
    assert steps == [StepStart, StepFinish] * (len(steps) // 2)
    assert isinstance(items[-1], TurnEnded)


@given(st.lists(st.tuples(METHODS, BODIES, st.booleans()), max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_record_raises(rows: list[tuple[str, dict[str, object], bool]]) -> None:
    records: list[Record] = [
        {**notification(method, **body), **({"id": number} if is_request else {})}
        for number, (method, body, is_request) in enumerate(rows)
    ]
    list(translator().items([*records, {"method": "turn/completed"}, {"params": 3}, {"id": 1}]))


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8), st.permutations(["a", "b", "c"]))
@settings(max_examples=100, deadline=None)
def test_a_tool_is_called_once_and_ends_once(starts: list[str], ends: list[str]) -> None:
    def item(name: str, status: str) -> dict[str, object]:
        return {"type": "commandExecution", "id": name, "command": "ls", "status": status}

    records = [notification("item/started", item=item(name, "inProgress")) for name in starts]
    records += [notification("item/completed", item=item(name, "completed")) for name in ends]
    items = list(translator().items(records))
    calls = [item.call_id for item in items if isinstance(item, ToolCall)]
    results = [item.call_id for item in items if isinstance(item, ToolResult)]
    assert sorted(calls) == sorted(results) == ["a", "b", "c"]
