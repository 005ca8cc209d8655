"""Nobody uses a new connection to the gateway before what must come first is done."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from xo_runtime_openclaw.gateway import gateway as gateway_module
from xo_runtime_openclaw.gateway import unavailable
from xo_runtime_openclaw.gateway.gateway import Gateway
from xo_runtime_openclaw.gateway.unavailable import GatewayUnavailable


class OpenConnection:
    """A connection that stays open."""

    def __init__(self) -> None:
        self.alive = True
        self.server: dict[str, str] = {}
        self.reader = asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        self.alive = False


def open_gateway(monkeypatch: pytest.MonkeyPatch) -> tuple[Gateway, list[OpenConnection]]:
    made: list[OpenConnection] = []

    async def connect(_: Gateway, token: str) -> OpenConnection:
        made.append(OpenConnection())
        return made[-1]

    monkeypatch.setattr(gateway_module, "read_token", lambda *_: "token")
    monkeypatch.setattr(Gateway, "_connect", connect)
    context = cast("Any", SimpleNamespace(log=logging.getLogger("test")))
    return Gateway(context, cast("Any", None), is_starting=lambda: False), made


def test_every_caller_waits_until_listeners_have_seen_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> list[str]:
        gateway, _ = open_gateway(monkeypatch)
        seen, order = asyncio.Event(), list[str]()

        async def listen(_: object) -> None:
            seen.set()
            for _ in range(20):
                await asyncio.sleep(0)
            order.append("listener")

        async def use() -> None:
            await gateway.connection()
            order.append("caller")

        gateway.add_connect_listener(listen)
        async with asyncio.TaskGroup() as group:
            group.create_task(use())
            await seen.wait()
            group.create_task(use())
        return order

    assert asyncio.run(run()) == ["listener", "caller", "caller"]


def test_a_connection_whose_listener_is_cancelled_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> bool:
        gateway, made = open_gateway(monkeypatch)
        seen = asyncio.Event()

        async def listen(_: object) -> None:
            seen.set()
            await asyncio.Event().wait()

        gateway.add_connect_listener(listen)
        waiting = asyncio.create_task(gateway.connection())
        await seen.wait()
        await gateway.close()
        await asyncio.wait({waiting}, timeout=10)
        return made[0].alive or not waiting.done()

    assert not asyncio.run(run())


def test_a_gateway_that_was_asked_to_restart_is_expected_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(_: Gateway, token: str) -> OpenConnection:
        raise unavailable.unreachable("ws://127.0.0.1:9", "refused")

    async def state_of(gateway: Gateway) -> tuple[str, int | None]:
        with pytest.raises(GatewayUnavailable) as reason:
            await gateway.connection()
        return reason.value.state, reason.value.as_unavailable().retry_after

    async def run() -> None:
        gateway, _ = open_gateway(monkeypatch)
        monkeypatch.setattr(Gateway, "_connect", refuse)
        monkeypatch.setattr(gateway_module, "FAILED_SECONDS", 0.0)
        assert await state_of(gateway) == ("missing", None)
        with gateway.requested_restart():
            assert await state_of(gateway) == ("starting", 2)
        assert await state_of(gateway) == ("missing", None)

    asyncio.run(run())
