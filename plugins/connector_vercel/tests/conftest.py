"""A server in a network in which the hosts of Vercel are a stand-in."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import Connections, LiveServer

NAME = "vercel"
CONFIGURED = "https://workspace.example/vercel/callback"


@pytest.fixture(scope="module")
def vercel() -> FakeVercel:
    return FakeVercel()


@pytest.fixture(scope="module")
def network(vercel: FakeVercel) -> Iterator[LoopbackNetwork]:
    with LoopbackNetwork(vercel.hosts) as running, running.client() as browser:
        vercel.use_browser(browser)
        yield running


@pytest.fixture(scope="module")
def environment(network: LoopbackNetwork) -> Mapping[str, str]:
    return {
        **network.environment,
        "XO_PLUGINS": "connector_vercel",
        "VERCEL_OAUTH_REDIRECT_URI": CONFIGURED,
    }


@pytest.fixture(scope="module")
def server(environment: Mapping[str, str]) -> Iterator[LiveServer]:
    with LiveServer(environment=environment) as running:
        yield running


@pytest.fixture
def connections(
    server: LiveServer, vercel: FakeVercel, network: LoopbackNetwork
) -> Iterator[Connections]:
    """The connector's routes; nobody is signed in, and no sign-in is open."""
    if not server.running:
        server.start()
    connections = Connections(server, NAME)
    flow = connections.connect(method="api_token")
    connections.cancel(flow["flow_id"])
    connections.disconnect()
    vercel.revoke_all()
    vercel.clear()
    yield connections
    vercel.clear()
    vercel.consent = "approve"
    network.check()


@pytest.fixture
def browser(server: LiveServer) -> Iterator[httpx.Client]:
    """A browser without a token of the server."""
    with httpx.Client(base_url=server.base_url, timeout=30, trust_env=False) as client:
        yield client
