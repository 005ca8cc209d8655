"""A server with the connector, the real rclone, and a fake of Microsoft in place of its hosts."""

from collections.abc import Iterator

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.microsoft_graph import FakeMicrosoft
from tests.support.drive_remotes import DriveRemotes
from xo_cowork_core.sdk.testing import LiveServer

CLIENT_ID = "test-client"


@pytest.fixture(scope="package")
def microsoft() -> Iterator[FakeMicrosoft]:
    with FakeMicrosoft(has_rclone_client=True) as running:
        yield running


@pytest.fixture(scope="package")
def network(microsoft: FakeMicrosoft) -> Iterator[LoopbackNetwork]:
    with LoopbackNetwork(microsoft.hosts) as running:
        yield running


@pytest.fixture(scope="package")
def server(network: LoopbackNetwork) -> Iterator[LiveServer]:
    environment = {
        **network.environment,
        "XO_PLUGINS": "connector_onedrive",
        "ONEDRIVE_CLIENT_ID": CLIENT_ID,
    }
    with LiveServer(environment=environment) as running:
        yield running


@pytest.fixture
def remotes(server: LiveServer, microsoft: FakeMicrosoft) -> Iterator[DriveRemotes]:
    """The remotes of the connector, none at first."""
    microsoft.reset()
    remotes = DriveRemotes(server, "onedrive")
    yield remotes
    microsoft.clear()
    for row in remotes.rows():
        assert remotes.delete(str(row["name"])).status_code == 204


@pytest.fixture
def work(remotes: DriveRemotes, microsoft: FakeMicrosoft) -> DriveRemotes:
    """The remotes with one that is signed in, `work`."""
    assert remotes.sign_in(microsoft.oauth.sign_in)["status"] == "completed"
    return remotes
