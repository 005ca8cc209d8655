"""What waits for an answer ends with its turn."""

import asyncio
from typing import Any, cast

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import NotFound, PermissionAnswer, PermissionRequest
from xo_cowork_core.sdk.kit.json_rpc_turn import JsonRpcTurn

REQUEST = PermissionRequest("call-1", "bash", "run_commands")
SECONDS = 5.0


def turn_with(cancelled: list[JsonRpcTurn]) -> JsonRpcTurn:
    async def cancel(turn: JsonRpcTurn) -> None:
        cancelled.append(turn)

    nothing = cast("Any", None)
    return JsonRpcTurn(nothing, nothing, "Acme", cancel)


async def asking(turn: JsonRpcTurn) -> "asyncio.Task[Any]":
    """Start a request and return once it waits."""
    request = asyncio.create_task(turn.ask(REQUEST))
    await asyncio.sleep(0)
    return request


@in_event_loop
async def test_an_interrupt_ends_a_request_without_an_answer() -> None:
    cancelled: list[JsonRpcTurn] = []
    turn = turn_with(cancelled)
    turn.session = "s"
    request = await asking(turn)
    await turn.interrupt()
    async with asyncio.timeout(SECONDS):
        assert await request is None
    assert cancelled == [turn]
    assert await turn.ask(REQUEST) is None


@in_event_loop
async def test_the_end_of_a_turn_ends_a_request_and_takes_no_answer() -> None:
    turn = turn_with([])
    request = await asking(turn)
    turn.close()
    async with asyncio.timeout(SECONDS):
        assert await request is None
    with pytest.raises(NotFound):
        await turn.answer("call-1", PermissionAnswer(allow=True))


@in_event_loop
async def test_an_answer_reaches_its_request_once() -> None:
    turn = turn_with([])
    request = await asking(turn)
    await turn.answer("call-1", PermissionAnswer(allow=True))
    async with asyncio.timeout(SECONDS):
        assert await request == PermissionAnswer(allow=True)
    with pytest.raises(NotFound):
        await turn.answer("call-1", PermissionAnswer(allow=False))
