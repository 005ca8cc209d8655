"""One Google, one network and one server for each module."""

from collections.abc import Iterator

import pytest

from tests.fakes.google_drive import FakeGoogle
from tests.fakes.google_drive.service import CLIENT_ID, CLIENT_SECRET
from tests.fakes.loopback_network import LoopbackNetwork
from tests.support.connectors.drive_client import DriveClient
from xo_cowork_core.sdk.testing.server import LiveServer

CONNECTOR = "gdrive"


@pytest.fixture(scope="module")
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as running:
        yield running


@pytest.fixture(scope="module")
def network(google: FakeGoogle) -> Iterator[LoopbackNetwork]:
    with LoopbackNetwork(google.hosts) as running:
        yield running


@pytest.fixture(scope="module")
def client_secrets() -> dict[str, str]:
    """The workspace's own client; a module overrides it to have none."""
    return {"GOOGLE_DRIVE_CLIENT_ID": CLIENT_ID, "GOOGLE_DRIVE_CLIENT_SECRET": CLIENT_SECRET}


@pytest.fixture(scope="module")
def drive(
    google: FakeGoogle, network: LoopbackNetwork, client_secrets: dict[str, str]
) -> Iterator[DriveClient]:
    """A person at the routes of a server whose only plugin is this one."""
    environment = {
        "XO_PLUGINS": "connector_gdrive",
        **network.environment,
        **client_secrets,
    }
    with LiveServer(environment=environment) as server:
        yield DriveClient(server, CONNECTOR, google.oauth)


@pytest.fixture(autouse=True)
def stays_inside(network: LoopbackNetwork) -> Iterator[None]:
    """Fail a test whose requests leave the loopback."""
    yield
    network.check()
