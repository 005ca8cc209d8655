"""Sign-ins against a real authorization server on the loopback."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connector_engine import (
    CONNECTOR,
    ConnectorEngine,
    UserinfoConnector,
    code_method,
    device_method,
)
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer


@pytest.fixture
def server() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer() as running:
        yield running


@in_event_loop
async def test_the_browser_comes_back_to_the_loopback_listener(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.signed_in(server)
        assert flow.account and flow.account.username == "octo"
        assert flow.authorize_url is None
        status = engine.connections.status(CONNECTOR)
        assert (status.state, status.account) == ("connected", flow.account)
        tokens = await engine.connections.get(CONNECTOR)
        assert server.is_valid(tokens.access_token.get_secret_value())


@in_event_loop
async def test_a_device_is_approved_on_another_page(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [device_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start()
        assert flow.user_code and flow.verification_uri
        await asyncio.to_thread(server.approve, flow.user_code)
        await engine.reaches(flow, "completed")
