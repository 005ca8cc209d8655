"""Answers that come after a turn's end."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.turn_engine import InteractiveRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import Conflict, Event, NotFound, PermissionRequest, TextDelta, Turn
from xo_cowork_core.services.turns.prompt import Prompt


async def ask_and_end(turn: Turn) -> AsyncGenerator[Event, None]:
    yield PermissionRequest("asked-first", "bash", "bash")
    yield TextDelta('{"call_id":"in-a-text"}')
    yield PermissionRequest("asked", "bash", "bash")


@in_event_loop
async def test_an_answer_after_the_end_conflicts_or_is_not_found(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [InteractiveRuntime(ask_and_end)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
        for call_id in ("asked-first", "asked"):
            with pytest.raises(Conflict):
                await engine.turns.respond(started.stream_id, call_id, True)
        for call_id in ("never-asked", "in-a-text", ""):
            with pytest.raises(NotFound):
                await engine.turns.respond(started.stream_id, call_id, True)


@in_event_loop
async def test_a_restart_does_not_change_what_a_late_answer_gets(tmp_path: Path) -> None:
    async with TurnEngine(tmp_path, [InteractiveRuntime(ask_and_end)]) as engine:
        started = await engine.turns.start(Prompt("hello"))
        await engine.read_stream(started.stream_id)
    async with TurnEngine(tmp_path, [InteractiveRuntime(ask_and_end)]) as engine:
        with pytest.raises(Conflict):
            await engine.turns.respond(started.stream_id, "asked", True)
        with pytest.raises(NotFound):
            await engine.turns.respond(started.stream_id, "never-asked", True)
