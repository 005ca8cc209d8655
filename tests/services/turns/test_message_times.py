"""When messages of the host's history were made: an answer after its prompt, a list in order."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

from tests.support.turn_engine import FakeClock, FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import Event, ModelLoading, TextDelta, Turn
from xo_cowork_core.services.clock import stamp
from xo_cowork_core.services.turns.prompt import Prompt
from xo_cowork_core.services.turns.turn_rows import close_interrupted_turns


@in_event_loop
async def test_an_answer_has_the_time_of_its_first_event(tmp_path: Path) -> None:
    clock = FakeClock()

    async def answer_late(turn: Turn) -> AsyncGenerator[Event, None]:
        yield ModelLoading("thinking")
        clock.advance(7)
        yield TextDelta("first")
        clock.advance(9)
        yield TextDelta("last")

    async with TurnEngine(tmp_path, [FunctionRuntime(answer_late)], clock) as engine:
        prompted_at = clock.now()
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
        user, assistant = await engine.messages(started.session_id)
    assert user.time_created == prompted_at
    assert assistant.time_created == prompted_at + timedelta(seconds=7)


@in_event_loop
async def test_messages_are_in_order_of_time_though_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = FakeClock()

    async def set_clock_back(turn: Turn) -> AsyncGenerator[Event, None]:
        clock.advance(-3600)
        yield TextDelta("an hour ago")

    async with TurnEngine(tmp_path, [FunctionRuntime(set_clock_back)], clock) as engine:
        prompted_at = clock.now()
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
        again = await engine.turns.start(Prompt("again", session_id=started.session_id))
        await engine.read_stream(again.stream_id)
        messages = await engine.messages(started.session_id)
    times = [message.time_created for message in messages]
    assert len(times) == 4
    assert times == sorted(times)
    assert times[0] == prompted_at


@in_event_loop
async def test_an_answer_without_text_is_not_older_than_its_prompt(tmp_path: Path) -> None:
    """The clock advances at each reading: the first reading must not be the answer's time."""

    class TickingClock(FakeClock):
        def now(self) -> object:
            self.advance(1)
            return self.moment

    async with TurnEngine(tmp_path, [FunctionRuntime()], TickingClock()) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
        user, assistant = await engine.messages(started.session_id)
    assert assistant.time_created > user.time_created


async def session_time(engine: TurnEngine, session_id: str) -> str:
    query = "SELECT time_updated FROM sessions WHERE session_id = ?"
    row = await engine.database.read(
        lambda connection: connection.execute(query, (session_id,)).fetchone()
    )
    return row[0]


@in_event_loop
async def test_an_answer_makes_its_session_later_within_the_millisecond_of_the_prompt(
    tmp_path: Path,
) -> None:
    async def answer_at_once(turn: Turn) -> AsyncGenerator[Event, None]:
        yield TextDelta("at once")

    async with TurnEngine(tmp_path, [FunctionRuntime(answer_at_once)], FakeClock()) as engine:
        prompted_at = stamp(engine.clock.now())
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
        assert await session_time(engine, started.session_id) > prompted_at


@in_event_loop
async def test_closing_an_interrupted_turn_gives_its_session_the_time_of_the_restart(
    tmp_path: Path,
) -> None:
    clock = FakeClock()

    async def wait(turn: Turn) -> AsyncGenerator[Event, None]:
        yield TextDelta("begun")
        await asyncio.Event().wait()

    async with TurnEngine(tmp_path, [FunctionRuntime(wait)], clock) as engine:
        started = await engine.turns.start(Prompt("hello"))
        restarted_at = clock.now() + timedelta(hours=1)
        await engine.database.write(
            lambda connection: close_interrupted_turns(connection, restarted_at)
        )
        assert await session_time(engine, started.session_id) == stamp(restarted_at)
