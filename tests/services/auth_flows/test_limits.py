"""Times and numbers of flows."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import (
    CONNECTOR,
    ConnectorEngine,
    UserinfoConnector,
    code_method,
    device_method,
    eventually,
)
from tests.support.connectors.fixtures import key_engine
from tests.support.turn_engine import FakeClock, in_event_loop
from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.sdk.connector import ApiKey, CommandLogin, TokenSet
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.auth_flows.views import FlowView
from xo_cowork_core.services.connectors.errors import FlowNotFound


def names(count: int) -> list[str]:
    """Names of connections: a connector has at most 32, of which none is stored."""
    return [f"c{number}" for number in range(count)]


@in_event_loop
async def test_a_flow_expires_by_itself_and_is_forgotten_10_minutes_later(tmp_path: Path) -> None:
    clock = FakeClock()
    async with key_engine(tmp_path, clock=clock) as engine:
        flow = await engine.start()
        assert flow.expires_at == clock.now() + timedelta(seconds=600)
        clock.advance(600)
        await engine.start(connection="other")  # wakes what watches the time
        expired = await engine.reaches(flow, "expired")
        assert expired.error and expired.error.code == "expired_token"
        clock.advance(599)
        await engine.start(connection="more")
        assert engine.flows.read(CONNECTOR, flow.flow_id) == expired
        clock.advance(2)
        await engine.start(connection="other", force=True)

        def is_forgotten() -> bool:
            try:
                engine.flows.read(CONNECTOR, flow.flow_id)
            except FlowNotFound:
                return True
            return False

        await eventually(is_forgotten, bool)
        journal = tmp_path / "flows.json"
        await eventually(lambda: flow.flow_id in journal.read_text(), lambda found: not found)


@in_event_loop
async def test_an_ended_flow_is_read_after_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    async with key_engine(tmp_path, clock=clock) as engine:
        done = await engine.start(input="key-1")
        assert done.state == "completed"
    async with key_engine(tmp_path, clock=clock) as engine:
        assert engine.flows.read(CONNECTOR, done.flow_id) == done
        # the same key once more is no new sign-in
        assert await engine.flows.submit(CONNECTOR, done.flow_id, "key-1") == done


@in_event_loop
async def test_64_flows_may_be_open_and_64_ended_ones_are_kept(tmp_path: Path) -> None:
    clock = FakeClock()
    async with key_engine(tmp_path, clock=clock) as engine:
        opened = [await engine.start(connection=name) for name in names(64)]
        with pytest.raises(Unavailable):
            await engine.start(connection="one-more")
        opened.append(await engine.start(connection="c0", force=True))
        for flow in opened:
            await engine.flows.cancel(CONNECTOR, flow.flow_id)
            clock.advance(1)
        ended = [await engine.start(connection=name) for name in names(20)]
        for flow in ended:
            await engine.flows.cancel(CONNECTOR, flow.flow_id)

        def kept(flows: list[FlowView]) -> int:
            found = 0
            for flow in flows:
                try:
                    engine.flows.read(CONNECTOR, flow.flow_id)
                    found += 1
                except FlowNotFound:
                    continue
            return found

        await eventually(lambda: kept(opened) + kept(ended), lambda count: count == 64)
        assert kept(ended) == 20


@in_event_loop
async def test_parallel_starts_for_one_connection_open_one_flow(tmp_path: Path) -> None:
    async with key_engine(tmp_path, clock=FakeClock()) as engine:
        starts = [engine.start() for _ in range(20)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(isinstance(result, FlowView) for result in results) == 1
        forced = [engine.start(force=True) for _ in range(20)]
        views = [await each for each in forced]
        states = [engine.flows.read(CONNECTOR, view.flow_id).state for view in views]
        assert states == ["cancelled"] * 19 + ["awaiting_user"]


@in_event_loop
async def test_nothing_runs_after_the_stop(tmp_path: Path) -> None:
    with FakeOAuthServer() as server:
        program = CommandLogin(
            ("sh", "-c", "echo https://acme.test/login; sleep 600"),
            url_pattern=r"https://\S+",
            read_tokens=lambda _: TokenSet(SecretStr("t")),
        )
        methods = [code_method(server), device_method(server), ApiKey(), program]
        engine = ConnectorEngine(tmp_path, UserinfoConnector(server, methods))
        async with engine:
            await engine.signed_in(server, connection="work")
            flows = [
                await engine.start(method=method.id, connection=method.id) for method in methods
            ]
            await engine.connections.set_tokens(CONNECTOR, "set", TokenSet(SecretStr("t")))
            hold = server.hold("userinfo")
            engine.connections.status(CONNECTOR, "set")
            await asyncio.to_thread(hold.wait)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        hold.release()
        assert flows[0].authorize_url
        location = await asyncio.to_thread(server.visit, flows[0].authorize_url)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", httpx.URL(location).port)
