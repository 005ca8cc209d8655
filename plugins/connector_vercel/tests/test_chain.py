"""Vercel's chain, over its production host names: from the first 401 to a refreshed token."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import Connections, eventually

MCP = "https://mcp.vercel.com"
SECONDS = 15.0


def initialize(browser: httpx.Client, token: str = "") -> httpx.Response:
    """Send the first request of an MCP client."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test"}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    return browser.post(MCP, json=call, headers=headers)


def test_the_chain_leads_from_a_401_to_a_refreshed_token(
    connections: Connections, vercel: FakeVercel, network: LoopbackNetwork
) -> None:
    with network.client() as browser:
        refused = initialize(browser)
        assert refused.status_code == 401
        document = refused.headers["www-authenticate"].partition('resource_metadata="')[2][:-1]
        assert browser.get(document).json()["resource"] == MCP

        vercel.store.lifetimes.access_seconds = 6
        flow = connections.connect(method="oauth")
        query = parse_qs(urlsplit(flow["authorize_url"]).query)
        assert query["resource"] == [MCP]
        assert query["code_challenge_method"] == ["S256"]
        assert query["scope"] == ["openid email profile offline_access"]
        assert vercel.sign_in(flow["authorize_url"]).status_code == 200
        assert connections.wait(flow["flow_id"])["state"] == "completed"
        vercel.store.lifetimes.access_seconds = 3600
        first = newest_token(vercel)
        assert initialize(browser, first).status_code == 200

        # the host refreshes at 80 % of the token's life
        eventually(lambda: newest_token(vercel) != first, SECONDS, "the token is refreshed")
        assert initialize(browser, newest_token(vercel)).status_code == 200
    assert connections.state() == "connected"
    asked = {"mcp.vercel.com", "vercel.com", "api.vercel.com"}
    assert set(network.connected) == asked
    for endpoint in ("register", "token"):
        assert vercel.requests(endpoint)
    assert all(each.parameters["resource"] == MCP for each in vercel.requests("token"))
    assert connections.status()["username"] == "octo-vercel"


def test_a_restart_keeps_the_connection_and_the_registered_client(
    connections: Connections, vercel: FakeVercel
) -> None:
    sign_in(connections, vercel)
    connections.server.restart()
    after = Connections(connections.server, "vercel")
    assert after.status(verify=True)["connected"]
    sign_in(after, vercel)
    assert len(vercel.requests("register")) <= 1


def test_without_metadata_the_documented_endpoints_are_used(
    connections: Connections, vercel: FakeVercel
) -> None:
    vercel.fault("resource_metadata", 503, times=50)
    vercel.fault("server_metadata", 503, times=50)
    # the metadata is cached by a server that has read it
    connections.server.restart()
    after = Connections(connections.server, "vercel")
    sign_in(after, vercel)
    assert not vercel.requests("server_metadata")
    assert after.disconnect()["status"] == "needs_auth"
    assert vercel.requests("revoke")


def test_a_token_that_userinfo_refuses_is_proved_at_the_mcp_server(
    connections: Connections, vercel: FakeVercel
) -> None:
    vercel.names_accounts, vercel.issues_id_tokens = False, True
    sign_in(connections, vercel)
    status = connections.status()
    assert (status["username"], status["email"]) == ("octo-vercel", "octo@example.test")
    vercel.revoke_all()
    connections.server.restart()
    after = Connections(connections.server, "vercel")
    assert after.state(verify=True) == "needs_reauth"


def test_a_connection_keeps_its_name_when_vercel_stops_telling_it(
    connections: Connections, vercel: FakeVercel
) -> None:
    sign_in(connections, vercel)
    vercel.names_accounts = False
    connections.server.restart()
    after = Connections(connections.server, "vercel")
    asked = vercel.mcp.requests
    assert after.status(verify=True)["username"] == "octo-vercel"
    assert vercel.mcp.requests == asked + 1


@pytest.mark.parametrize("with_name", [True, False])
def test_a_sign_in_without_a_name_is_a_connection_too(
    connections: Connections, vercel: FakeVercel, with_name: bool
) -> None:
    vercel.names_accounts, vercel.issues_id_tokens = False, with_name
    sign_in(connections, vercel)
    status = connections.status()
    assert status["connected"]
    assert status["username"] == ("octo-vercel" if with_name else None)


def sign_in(connections: Connections, vercel: FakeVercel) -> None:
    flow = connections.connect(method="oauth")
    vercel.sign_in(flow["authorize_url"])
    ended = connections.wait(flow["flow_id"])
    assert ended["state"] == "completed", ended


def newest_token(vercel: FakeVercel) -> str:
    with vercel.store.lock:
        return [token for token in vercel.store.access if token not in vercel.keys][-1]
