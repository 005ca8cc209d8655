"""Agents reach Vercel's MCP server through the host, with the sign-in of the person."""

from collections.abc import Iterator, Mapping

import pytest

from tests.fakes.vercel import FakeVercel
from tests.support.mcp_turns import install_acme, running_turn, servers_of
from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer

INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "agent"}}


@pytest.fixture(scope="module")
def server(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server with an agent that tells which MCP servers it got."""
    folder = install_acme(tmp_path_factory.mktemp("agent"))
    acme = {"ACME_URL": "https://acme.example", "ACME_MCP": "{}"}
    plugins = {"XO_PLUGINS": "connector_vercel,connector_acme"}
    with LiveServer(environment={**environment, **acme, **plugins}, python_path=[folder]) as each:
        yield each


def test_an_agent_uses_the_mcp_server_and_an_expired_token_is_refreshed(
    connections: Connections, vercel: FakeVercel
) -> None:
    flow = connections.connect(method="oauth")
    vercel.sign_in(flow["authorize_url"])
    connections.wait(flow["flow_id"])
    with running_turn(Chat(connections.server, "agent")) as run:
        assert run.url.endswith("/mcp/vercel")
        assert not vercel.has_signed_in(run.token)
        for _ in range(2):
            answer = run.call("initialize", INITIALIZE).json()
            assert answer["result"]["serverInfo"]["name"] == "vercel"
            vercel.expire("access")
    assert len(vercel.requests("token", grant_type="refresh_token")) == 1


def test_a_pasted_token_gives_agents_no_mcp_server(
    connections: Connections, vercel: FakeVercel
) -> None:
    chat = Chat(connections.server, "agent")
    connections.http.post("/api/connectors/vercel/token", json={"token": vercel.create_token()})
    assert connections.status()["connected"]
    assert servers_of(chat) == []
