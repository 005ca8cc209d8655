"""A connector's list of ways to sign in, which may read files, does not hold the event loop."""

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.connectors.engine import (
    CONNECTOR,
    ConnectorEngine,
    UserinfoConnector,
    code_method,
)
from tests.support.connectors.fixtures import server
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import SignInMethod
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.runtimes.call_thread import MAX_ABANDONED

__all__ = ["server"]


class SlowConnector(UserinfoConnector):
    """Lists its ways to sign in once `gate` is open, and records the threads that ask."""

    def __init__(self, server: FakeOAuthServer) -> None:
        super().__init__(server, [code_method(server)])
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[threading.Thread] = set()

    def sign_in_methods(self) -> Sequence[SignInMethod]:
        self.threads.add(threading.current_thread())
        self.gate.wait(30)
        return self.methods


@in_event_loop
async def test_ways_to_sign_in_are_listed_in_a_thread(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = SlowConnector(server)
    async with ConnectorEngine(tmp_path, connector) as engine:
        await engine.signed_in(server)
        row = engine.store.rows(CONNECTOR)["default"]
        stale = replace(row.tokens, expires_at=row.obtained_at)
        await engine.store.put(CONNECTOR, "default", replace(row, tokens=stale))
        await engine.connections.get(CONNECTOR)
        await engine.connections.disconnect(CONNECTOR)
        assert await engine.connections.methods(CONNECTOR) == connector.methods
    assert connector.threads
    assert threading.current_thread() not in connector.threads


@in_event_loop
async def test_a_list_that_takes_too_long_is_an_error_of_its_connector(
    tmp_path: Path, server: FakeOAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xo_cowork_core.services.runtimes.calls.PLAIN_CALL_SECONDS", 0.1)
    connector = SlowConnector(server)
    async with ConnectorEngine(tmp_path, connector) as engine:
        connector.gate.clear()
        try:
            with pytest.raises(UpstreamFailed):
                await engine.connections.methods(CONNECTOR)
        finally:
            connector.gate.set()
        assert "took more than" in engine.record.faults["sign_in_methods()"]


@in_event_loop
async def test_lists_that_hang_leave_the_hosts_threads_alone(
    tmp_path: Path, server: FakeOAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xo_cowork_core.services.runtimes.calls.PLAIN_CALL_SECONDS", 0.05)
    connector = SlowConnector(server)
    async with ConnectorEngine(tmp_path, connector) as engine:
        connector.gate.clear()
        try:
            for _ in range(40):
                with pytest.raises(UpstreamFailed):
                    await engine.connections.methods(CONNECTOR)
            assert len(connector.threads) <= MAX_ABANDONED
            async with asyncio.timeout(10):
                await asyncio.to_thread(connector.describe)
        finally:
            connector.gate.set()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(UpstreamFailed):
                assert await engine.connections.methods(CONNECTOR) == connector.methods
                return
            await asyncio.sleep(0.05)
        pytest.fail("it lists no ways to sign in again")


@in_event_loop
async def test_clients_that_attach_at_once_get_the_same_sign_in(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    async with ConnectorEngine(tmp_path, SlowConnector(server)) as engine:
        flows = await asyncio.gather(*[engine.start(attach=True) for _ in range(5)])
        assert len({flow.flow_id for flow in flows}) == 1
