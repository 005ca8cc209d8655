"""A server with the connector of the plugin authors' page, and the provider that it signs in to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Connections, FakeOAuthServer, LiveServer, install_plugin

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "oauth_connector.py"
KEY = "key-that-works-0123456789"


@pytest.fixture(scope="session")
def example() -> str:
    """The source of the example."""
    return EXAMPLE.read_text()


@pytest.fixture(scope="session")
def acme_folder(example: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the example is installed."""
    return install_plugin(tmp_path_factory.mktemp("acme"), "connector_acme", example)


@pytest.fixture(scope="module")
def acme_provider() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer() as provider:
        yield provider


@pytest.fixture
def provider(acme_provider: FakeOAuthServer) -> Iterator[FakeOAuthServer]:
    """The provider as it was started; the module's tests share its process."""
    acme_provider.accept_key(KEY)
    yield acme_provider
    acme_provider.clear()
    acme_provider.consent = "approve"
    acme_provider.store.lifetimes.access_seconds = 3600


@pytest.fixture(scope="module")
def environment(acme_provider: FakeOAuthServer) -> dict[str, str]:
    return {
        "XO_PLUGINS": "connector_acme",
        "ACME_URL": acme_provider.url,
        "ACME_CLIENT_ID": "test-client",
    }


@pytest.fixture(scope="module")
def server(environment: dict[str, str], acme_folder: Path) -> Iterator[LiveServer]:
    with LiveServer(environment=environment, python_path=[acme_folder]) as running:
        yield running


@pytest.fixture
def acme(server: LiveServer, provider: FakeOAuthServer) -> Connections:
    """The connector's routes; nobody is signed in."""
    connections = Connections(server, "acme")
    connections.disconnect()
    provider.clear()
    return connections
