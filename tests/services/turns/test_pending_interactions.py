"""Requests of a running turn: answered once, refused in time, never lost with the runtime."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from tests.support.turn_engine import FunctionRuntime, InteractiveRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import (
    AgentFailure,
    BadRequest,
    Conflict,
    Event,
    NotFound,
    PermissionAnswer,
    PermissionRequest,
    PlanAnswer,
    PlanReview,
    Question,
    QuestionAnswer,
    Turn,
    TurnAnswer,
    UpstreamFailed,
)
from xo_cowork_core.sdk.events.interactions import QuestionItem
from xo_cowork_core.services.turns import pending_interactions
from xo_cowork_core.services.turns.interactions import PendingInteraction
from xo_cowork_core.services.turns.prompt import Prompt

REQUESTS: Sequence[Event] = (
    PermissionRequest("permission", "bash", "bash"),
    Question("question", "ask", [QuestionItem("Which?")]),
    PlanReview("plan", "A plan", "1. Think"),
)


def asking(*requests: Event) -> InteractiveRuntime:
    """Return a runtime that makes these requests and ends when each has its answer."""

    async def ask(turn: Turn) -> AsyncGenerator[Event, None]:
        for request in requests:
            yield request
        while len(runtime.answers) < len(requests):
            await runtime.answered.wait()
            runtime.answered.clear()

    runtime = InteractiveRuntime(ask)
    return runtime


def resolutions(events: Sequence[tuple[str, dict[str, object]]]) -> dict[object, object]:
    return {
        data["call_id"]: (data.get("decision"), data["reason"])
        for name, data in events
        if name.endswith("-resolved")
    }


@in_event_loop
async def test_an_unanswered_request_is_refused_in_its_own_form(
    tmp_path: Path,
) -> None:
    runtime = asking(*REQUESTS)
    async with TurnEngine(tmp_path, [runtime], permission_seconds=0.01) as engine:
        started = await engine.turns.start(Prompt("hello"))
        events = await engine.read_stream(started.stream_id)
    message = "Nobody answered within 0.01 s."
    assert dict(runtime.answers) == {
        "permission": PermissionAnswer(allow=False, message=message),
        "question": QuestionAnswer(),
        "plan": PlanAnswer("stop", message),
    }
    assert resolutions(events) == {
        "permission": ("deny", "timeout"),
        "question": (None, "timeout"),
        "plan": ("stop", "timeout"),
    }
    assert events[-1][0] == "done"


@in_event_loop
async def test_false_declines_each_kind_of_request(tmp_path: Path) -> None:
    runtime = asking(*REQUESTS)
    async with TurnEngine(tmp_path, [runtime]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.wait_for_event(started.stream_id, "plan-review")
        for call_id in ("permission", "question", "plan"):
            await engine.turns.respond(started.stream_id, call_id, False)
        events = await engine.read_stream(started.stream_id)
    assert [answer for _, answer in runtime.answers] == [
        PermissionAnswer(allow=False, message="The user refused."),
        QuestionAnswer(),
        PlanAnswer("stop"),
    ]
    assert resolutions(events)["permission"] == ("deny", "answered")


@in_event_loop
async def test_the_first_answer_counts_and_a_wrong_one_leaves_the_request_open(
    tmp_path: Path,
) -> None:
    last = Question("last", "ask", [QuestionItem("Go on?")])
    runtime = asking(REQUESTS[0], last)
    async with TurnEngine(tmp_path, [runtime]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.wait_for_event(started.stream_id, "question")
        with pytest.raises(BadRequest):
            await engine.turns.respond(started.stream_id, "permission", "perhaps")
        answers = await asyncio.gather(
            *(
                engine.turns.respond(started.stream_id, "permission", response)
                for response in (True, False)
            ),
            return_exceptions=True,
        )
        assert answers[0] is None
        assert isinstance(answers[1], Conflict)
        with pytest.raises(NotFound):
            await engine.turns.respond(started.stream_id, "never-asked", True)
        (running,) = engine.turns.active()
        assert running.interactions.has_open
        await engine.turns.respond(started.stream_id, "last", "yes")
        await engine.read_stream(started.stream_id)
    assert runtime.answers == [
        ("permission", PermissionAnswer(allow=True)),
        ("last", QuestionAnswer({"Go on?": "yes"})),
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError(), "The runtime could not take the answer"),
        (SystemExit(3), "The runtime could not take the answer"),
        (NotFound("The agent is gone"), "The agent is gone"),
    ],
)
@in_event_loop
async def test_a_runtime_that_raises_on_an_answer_costs_that_answer_only(
    tmp_path: Path, error: BaseException, message: str
) -> None:
    runtime = asking(REQUESTS[0])
    runtime.answer_error = error
    async with TurnEngine(tmp_path, [runtime]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.wait_for_event(started.stream_id, "permission-request")
        with pytest.raises(UpstreamFailed, match=message):
            await engine.turns.respond(started.stream_id, "permission", True)
        with pytest.raises(Conflict):
            await engine.turns.respond(started.stream_id, "permission", True)
        assert await engine.turns.abort(started.stream_id)
        events = await engine.read_stream(started.stream_id)
    assert events[-1][1]["finish_reason"] == "aborted"


@in_event_loop
async def test_a_runtime_that_hangs_on_an_answer_times_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_interactions, "ANSWER_SECONDS", 0.01)

    class HangingRuntime(InteractiveRuntime):
        async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
            await asyncio.Event().wait()

    async def ask_and_wait(turn: Turn) -> AsyncGenerator[Event, None]:
        yield REQUESTS[0]
        await asyncio.Event().wait()

    async with TurnEngine(tmp_path, [HangingRuntime(ask_and_wait)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.wait_for_event(started.stream_id, "permission-request")
        with pytest.raises(UpstreamFailed):
            await engine.turns.respond(started.stream_id, "permission", True)
        await engine.turns.abort(started.stream_id)


@in_event_loop
async def test_requests_that_are_open_at_the_end_are_withdrawn_before_it(tmp_path: Path) -> None:
    async def ask_and_fail(turn: Turn) -> AsyncGenerator[Event, None]:
        for request in REQUESTS:
            yield request
        raise AgentFailure("It broke.")

    async with TurnEngine(tmp_path, [InteractiveRuntime(ask_and_fail)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        events = await engine.read_stream(started.stream_id)
    assert resolutions(events) == {
        "permission": ("deny", "withdrawn"),
        "question": (None, "withdrawn"),
        "plan": ("stop", "withdrawn"),
    }
    assert events[-1][0] == "agent-error"


@in_event_loop
async def test_a_runtime_that_asks_but_takes_no_answers_fails_its_turn(tmp_path: Path) -> None:
    async def ask(turn: Turn) -> AsyncGenerator[Event, None]:
        yield REQUESTS[0]

    async with TurnEngine(tmp_path, [FunctionRuntime(ask)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        events = await engine.read_stream(started.stream_id)
    assert (events[-1][0], events[-1][1]["code"]) == ("agent-error", "internal")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (True, PermissionAnswer(allow=True)),
        ("allow", PermissionAnswer(allow=True)),
        ({"allow": True}, PermissionAnswer(allow=True)),
        ({"allow": True, "scope": None}, PermissionAnswer(allow=True)),
        ('{"allow": true, "scope": "once"}', PermissionAnswer(allow=True)),
        ('{"allow": true, "scope": "session"}', PermissionAnswer(allow=True, scope="session")),
        (
            {"allow": False, "scope": "session"},
            PermissionAnswer(allow=False, message="The user refused.", scope="session"),
        ),
    ],
)
def test_a_permission_is_given_once_or_for_the_session(
    response: object, expected: PermissionAnswer
) -> None:
    request = PermissionRequest("c", "bash", "run_commands", options=("once", "session"))
    assert PendingInteraction(request).parse_response(response) == expected


@pytest.mark.parametrize(
    "response",
    [
        {"scope": "once"},
        {"allow": 1},
        {"allow": True, "scope": "session"},
        '{"allow": true, "scope": "for ever"}',
        {"allow": True, "scope": ["once"]},
        "{}",
    ],
)
def test_a_scope_that_the_request_does_not_offer_is_refused(response: object) -> None:
    with pytest.raises(BadRequest, match="must be"):
        PendingInteraction(PermissionRequest("c", "bash", "run_commands")).parse_response(response)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (True, PlanAnswer("accept")),
        (False, PlanAnswer("stop")),
        ("accept", PlanAnswer("accept")),
        ('{"action": "revise", "feedback": "Shorter."}', PlanAnswer("revise", "Shorter.")),
        ({"action": "stop", "feedback": None}, PlanAnswer("stop")),
    ],
)
def test_a_plan_is_accepted_revised_or_stopped(response: object, expected: PlanAnswer) -> None:
    assert PendingInteraction(PlanReview("c", "A plan", "1.")).parse_response(response) == expected


@pytest.mark.parametrize(
    "response", [5, None, "perhaps", "{}", {"action": "revise", "feedback": ["Shorter."]}]
)
def test_another_answer_to_a_plan_is_refused(response: object) -> None:
    with pytest.raises(BadRequest, match="must be"):
        PendingInteraction(PlanReview("c", "A plan", "1.")).parse_response(response)
