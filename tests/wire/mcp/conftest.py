"""A server with a connector that has an MCP server, and an agent that tells what it got."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.mcp_server.server import FakeMcpServer
from tests.support.mcp_turns import Run, acme_environment, install_acme, running_turn, sign_in
from xo_cowork_core.sdk.testing import (
    Chat,
    Connections,
    FakeOAuthServer,
    LiveServer,
    install_plugin,
)

TESTS = Path(__file__).parents[2]
ACP_AGENT = TESTS / "fakes" / "acp_agent" / "agent.py"
ACP_RUNTIME = TESTS / "support" / "plugins" / "acp_runtime.py"


@pytest.fixture(scope="module")
def acme_provider() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer() as provider:
        yield provider


@pytest.fixture(scope="module")
def acme_mcp(acme_provider: FakeOAuthServer) -> Iterator[FakeMcpServer]:
    with FakeMcpServer(acme_provider.is_valid) as mcp:
        yield mcp


@pytest.fixture
def upstream(acme_mcp: FakeMcpServer) -> FakeMcpServer:
    """The MCP server, without requests."""
    acme_mcp.clear()
    return acme_mcp


@pytest.fixture(scope="module")
def server(
    acme_provider: FakeOAuthServer,
    acme_mcp: FakeMcpServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LiveServer]:
    folder = install_acme(tmp_path_factory.mktemp("plugins"))
    install_plugin(folder, "runtime_acp", ACP_RUNTIME.read_text())
    environment = {
        "XO_PLUGINS": "connector_acme,runtime_acp",
        "ACP_AGENT": str(ACP_AGENT),
        "XO_API_TOKEN": "token-of-the-api",
        **acme_environment(acme_provider, acme_mcp.url),
    }
    with LiveServer(environment=environment, python_path=[folder]) as running:
        running.client.headers["Authorization"] = "Bearer token-of-the-api"
        yield running


@pytest.fixture
def acme(server: LiveServer, acme_provider: FakeOAuthServer) -> Connections:
    """The connector, signed in with tokens that can be refreshed."""
    connections = Connections(server, "acme")
    connections.disconnect()
    acme_provider.clear()
    sign_in(connections, acme_provider)
    return connections


@pytest.fixture
def run(acme: Connections, server: LiveServer) -> Iterator[Run]:
    """A turn that runs for the length of a test."""
    with running_turn(Chat(server, "agent")) as started:
        yield started
