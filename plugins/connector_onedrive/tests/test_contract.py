"""The connector passes the contract of all connectors."""

from collections.abc import Iterator

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.microsoft_graph import ACCOUNT, FakeMicrosoft
from xo_cowork_core.sdk.testing import ConnectorContract, ConnectorSubject


class TestOneDrive(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[ConnectorSubject]:
        with (
            FakeMicrosoft(has_rclone_client=True) as microsoft,
            LoopbackNetwork(microsoft.hosts) as network,
        ):
            yield ConnectorSubject(
                "onedrive",
                microsoft.oauth,
                environment={**network.environment, "ONEDRIVE_CLIENT_ID": "test-client"},
                plugins="connector_onedrive",
                other_account={**ACCOUNT, "id": "another", "mail": "other@example.test"},
                command=lambda flow: microsoft.oauth.visit(str(flow["authorize_url"])),
            )
