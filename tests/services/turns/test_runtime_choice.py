"""Which runtime runs a turn: the named one, the session's owner, the configured one, the first
that is ready."""

from pathlib import Path

import pytest

from tests.support.turn_engine import FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import BadRequest, Health, Unavailable
from xo_cowork_core.services.turns.prompt import Prompt

BROKEN = Health(state="missing", detail="It is not installed.", fix="install it")


def runtimes() -> list[FunctionRuntime]:
    return [
        FunctionRuntime(name="broken", rank=1, health=BROKEN),
        FunctionRuntime(name="second", rank=2),
        FunctionRuntime(name="third", rank=3),
    ]


async def run_turn(engine: TurnEngine, **fields: str | None) -> str:
    """Run a turn to its end and return its session."""
    started = await engine.turns.start(Prompt("hello", **fields))
    await engine.read_stream(started.stream_id)
    return started.session_id


@in_event_loop
async def test_without_a_name_the_first_ready_runtime_by_rank_is_taken(tmp_path: Path) -> None:
    broken, second, third = runtimes()
    async with TurnEngine(tmp_path, [third, broken, second]) as engine:
        await run_turn(engine)
    assert [len(runtime.turns) for runtime in (broken, second, third)] == [0, 1, 0]


@in_event_loop
async def test_a_name_goes_before_the_owner_and_the_owner_before_the_configured_one(
    tmp_path: Path,
) -> None:
    broken, second, third = runtimes()
    async with TurnEngine(tmp_path, [broken, second, third], configured_name="third") as engine:
        await run_turn(engine)
        assert len(third.turns) == 1, "the configured one"
        session_id = await run_turn(engine, agent_name="second")
        assert len(second.turns) == 1, "the named one"
        assert await run_turn(engine, session_id=session_id) == session_id
        assert len(second.turns) == 2, "the owner of the session"
        other = await run_turn(engine, session_id=session_id, agent_name="third")
        assert len(third.turns) == 2
        assert other != session_id, "another runtime starts a session of its own"


@in_event_loop
async def test_a_runtime_that_cannot_run_the_turn_is_refused_with_its_reason(
    tmp_path: Path,
) -> None:
    async with TurnEngine(tmp_path, runtimes()) as engine:
        with pytest.raises(BadRequest, match="this server has: broken, second, third"):
            await engine.turns.start(Prompt("hello", agent_name="fourth"))
        with pytest.raises(Unavailable, match=r"It is not installed\. To fix it: install it"):
            await engine.turns.start(Prompt("hello", agent_name="broken"))
    async with TurnEngine(tmp_path, runtimes(), configured_name="broken") as engine:
        with pytest.raises(Unavailable, match="It is not installed"):
            await engine.turns.start(Prompt("hello"))
    async with TurnEngine(tmp_path, runtimes(), configured_name="fourth") as engine:
        with pytest.raises(Unavailable, match="'fourth' is not loaded"):
            await engine.turns.start(Prompt("hello"))
    async with TurnEngine(tmp_path, runtimes()[:1]) as engine:
        with pytest.raises(Unavailable, match="No runtime is ready"):
            await engine.turns.start(Prompt("hello"))


@pytest.mark.parametrize(
    ("configured", "order"),
    [
        (None, ["second", "broken", "third"]),
        ("third", ["third", "broken", "second"]),
        ("broken", ["broken", "second", "third"]),
        ("fourth", ["broken", "second", "third"]),
    ],
)
@in_event_loop
async def test_lists_begin_with_the_runtime_that_a_turn_would_take(
    tmp_path: Path, configured: str | None, order: list[str]
) -> None:
    async with TurnEngine(tmp_path, runtimes(), configured_name=configured) as engine:
        listed = await engine.selector.default_first()
        assert [runtime.info.name for runtime in listed] == order
