"""A server in a network in which github.com is a stand-in."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes.github import FakeGitHub
from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import Connections, LiveServer

NAME = "github"
CLIENT_ID = "test-client"
GH = Path(__file__).resolve().parents[3] / ".toolchain" / "bin" / "gh"
SYSTEM_PATH = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin"))
Servers = Callable[..., LiveServer]


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> FakeGitHub:
    return FakeGitHub(tmp_path_factory.mktemp("repositories"))


@pytest.fixture(scope="module")
def network(github: FakeGitHub) -> Iterator[LoopbackNetwork]:
    with LoopbackNetwork(github.hosts) as running:
        yield running


@pytest.fixture(scope="module")
def environment(network: LoopbackNetwork) -> Mapping[str, str]:
    """Without a program gh, and with the client id of an app."""
    return {
        **network.environment,
        "XO_PLUGINS": "connector_github,runtime_demo",
        "GITHUB_CLIENT_ID": CLIENT_ID,
    }


@pytest.fixture(scope="module")
def server(environment: Mapping[str, str]) -> Iterator[LiveServer]:
    with LiveServer(environment=environment) as running:
        if token := environment.get("XO_API_TOKEN"):
            running.client.headers["Authorization"] = f"Bearer {token}"
        yield running


@pytest.fixture
def connections(server: LiveServer, github: FakeGitHub) -> Iterator[Connections]:
    """The connector's routes; nobody is signed in."""
    if not server.running:
        server.start()
    connections = Connections(server, NAME)
    connections.disconnect()
    github.clear()
    yield connections
    github.clear()


@pytest.fixture(scope="session")
def real_gh() -> Path:
    """The pinned gh."""
    if not GH.exists():
        pytest.skip("gh is not here: run `make toolchain`")
    return GH.resolve()
