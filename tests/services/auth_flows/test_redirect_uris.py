"""Sign-ins whose browser comes back to a listener that is not the host's."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.connectors.engine import ConnectorEngine, UserinfoConnector, code_method
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.sdk.connector import ApiKey, OAuthClient, OAuthServer
from xo_cowork_core.sdk.connector.methods import AuthorizationCode
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer
from xo_cowork_core.services.connectors.errors import StateMismatch

OWN_PAGE = "http://localhost:3000/callback"


@in_event_loop
async def test_the_browser_comes_back_to_a_given_uri_whose_owner_submits_the_answer(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server)])
    async with ConnectorEngine(tmp_path, connector) as engine:
        flow = await engine.start(redirect_uri=OWN_PAGE)
        assert flow.authorize_url
        answer = await asyncio.to_thread(server.visit, flow.authorize_url)
        assert answer.startswith(OWN_PAGE + "?")
        query = urlsplit(answer).query
        with pytest.raises(StateMismatch):
            await engine.flows.submit(flow.target, flow.flow_id, query + "x")
        await engine.flows.submit(flow.target, flow.flow_id, query)
        await engine.reaches(flow, "completed")
        assert server.requests("token", redirect_uri=OWN_PAGE)


@in_event_loop
async def test_a_client_is_registered_for_each_redirect_uri(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    method = AuthorizationCode(OAuthServer(issuer=server.url), OAuthClient(register=True))
    async with ConnectorEngine(tmp_path, UserinfoConnector(server, [method])) as engine:
        for port in (3000, 3001):
            uri = f"http://localhost:{port}/callback"
            flow = await engine.start(redirect_uri=uri, connection=f"on-{port}")
            assert flow.redirect == "public"
            sent = server.requests("register")[-1].parameters
            assert sent["redirect_uris"] == uri
    assert len(server.requests("register")) == 2


@in_event_loop
async def test_no_code_is_sent_to_a_uri_that_others_can_read(
    tmp_path: Path, server: FakeOAuthServer
) -> None:
    connector = UserinfoConnector(server, [code_method(server), ApiKey()])
    async with ConnectorEngine(tmp_path, connector) as engine:
        for uri in ("http://workspace.test/", "javascript:alert(1)", "no-url", OWN_PAGE + "#part"):
            with pytest.raises(BadRequest):
                await engine.start(redirect_uri=uri)
        with pytest.raises(BadRequest, match="no redirect"):
            await engine.start(redirect_uri=OWN_PAGE, method="api_key")
        assert not server.requests()
