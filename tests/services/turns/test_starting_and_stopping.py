"""From an accepted prompt to the end of its turn: retries, hooks, runtimes that will not stop."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.turn_engine import FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import (
    Conflict,
    Done,
    Event,
    Interrupts,
    TextDelta,
    Tokens,
    Turn,
    TurnOutcome,
    Unavailable,
)
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.turns import running_turn
from xo_cowork_core.services.turns.prompt import Prompt


async def wait_for_ever(turn: Turn) -> AsyncGenerator[Event, None]:
    yield TextDelta("working")
    await asyncio.Event().wait()


@in_event_loop
async def test_an_equal_prompt_gets_the_running_turn_for_ten_seconds(tmp_path: Path) -> None:
    runtime = FunctionRuntime(wait_for_ever)
    async with TurnEngine(tmp_path, [runtime]) as engine:
        first, together = await asyncio.gather(
            engine.turns.start(Prompt("hello")), engine.turns.start(Prompt("hello"))
        )
        assert together == first
        engine.clock.advance(9)
        assert await engine.turns.start(Prompt("hello")) == first
        named = Prompt("hello", session_id=first.session_id)
        assert await engine.turns.start(named) == first, "a retry may know the session by now"
        with pytest.raises(Conflict) as refusal:
            await engine.turns.start(Prompt("other", session_id=first.session_id))
        assert refusal.value.details["stream_id"] == first.stream_id
        engine.clock.advance(1)
        with pytest.raises(Conflict):
            await engine.turns.start(named)
        assert (await engine.turns.start(Prompt("hello"))).session_id != first.session_id
        assert engine.turns.started_total == 2


@in_event_loop
async def test_a_prompt_whose_client_is_gone_while_it_is_stored_is_not_left_without_a_turn(
    tmp_path: Path,
) -> None:
    runtime = FunctionRuntime()
    async with TurnEngine(tmp_path, [runtime]) as engine:
        insert, release = asyncio.Event(), asyncio.Event()
        write = engine.database.write

        async def write_late(work):
            result = await write(work)
            insert.set()
            await release.wait()
            return result

        engine.database.write = write_late
        request = asyncio.create_task(engine.turns.start(Prompt("hello")))
        await insert.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        engine.database.write = write
        release.set()
        again = await engine.turns.start(Prompt("hello"))
        assert (await engine.read_stream(again.stream_id))[-1][0] == "done"
        rows = await engine.database.read(
            lambda connection: connection.execute("SELECT stream_id FROM streams").fetchall()
        )
    assert rows == [(again.stream_id,)], "no stream is stored that no turn will end"


class HangingInterrupts(FunctionRuntime, Interrupts):
    async def interrupt(self, turn: Turn) -> None:
        await asyncio.Event().wait()


async def swallow_cancellation(turn: Turn) -> AsyncGenerator[Event, None]:
    """Swallow both cancellations of a turn's end; the third is that of the event loop's.

    It waits for a timer, to which the event loop has a reference: a task that waits for an event
    without one would be collected as garbage.
    """
    yield TextDelta("working")
    for _ in range(2):
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            if turn.text == "go on":
                yield TextDelta("no, I go on")
            elif turn.text == "raise":
                raise ZeroDivisionError from None
    await asyncio.sleep(600)


@pytest.mark.parametrize("text", ["go on", "go on in silence", "raise"])
@pytest.mark.parametrize("runtime_class", [FunctionRuntime, HangingInterrupts])
@in_event_loop
async def test_a_runtime_that_will_not_stop_loses_its_processes_and_its_turn_ends(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runtime_class: type[FunctionRuntime],
    text: str,
) -> None:
    monkeypatch.setattr(running_turn, "INTERRUPT_SECONDS", 0.01)
    monkeypatch.setattr(running_turn, "CANCEL_SECONDS", 0.01)
    async with TurnEngine(tmp_path, [runtime_class(swallow_cancellation)]) as engine:
        started = await engine.turns.start(Prompt(text))
        await engine.wait_for_event(started.stream_id, "text-delta")
        async with asyncio.timeout(5):
            assert await engine.turns.abort(started.stream_id)
        events = await engine.read_stream(started.stream_id)
        assert engine.stopped_owners == [started.stream_id]
        assert engine.turns.active() == []
    assert (events[-1][0], events[-1][1]["finish_reason"]) == ("done", "aborted")


@in_event_loop
async def test_plugins_add_environment_and_are_called_at_the_end(tmp_path: Path) -> None:
    outcomes: list[tuple[str, TurnOutcome]] = []

    async def environment(turn: Turn) -> Mapping[str, SecretStr]:
        return {"TOKEN": SecretStr(f"for {turn.text}")}

    async def finished(turn: Turn, outcome: TurnOutcome) -> None:
        outcomes.append((turn.stream_id, outcome))

    async def spend(turn: Turn) -> AsyncGenerator[Event, None]:
        engine.clock.advance(4)
        yield Done(tokens=Tokens(input=7))

    runtime = FunctionRuntime(spend)
    engine = TurnEngine(tmp_path, [runtime])
    (tmp_path / "written.env").write_text("KEY=value\n")
    engine.registry.add_turn_hooks(PluginRecord("following"), environment, finished)
    async with engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
    (turn,) = runtime.turns
    revealed = {key: secret.get_secret_value() for key, secret in turn.environment.items()}
    assert revealed == {"KEY": "value", "TOKEN": "for hello"}
    assert outcomes == [
        (started.stream_id, TurnOutcome("stop", tokens=Tokens(input=7), duration_seconds=4.0))
    ]


@in_event_loop
async def test_a_stop_ends_running_turns_with_an_error_and_takes_no_more(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [FunctionRuntime(wait_for_ever)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.turns.stop()
        events = await engine.read_stream(started.stream_id)
        assert (events[-1][0], events[-1][1]["code"]) == ("agent-error", "restart")
        with pytest.raises(Unavailable):
            await engine.turns.start(Prompt("one more"))
