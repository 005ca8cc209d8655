"""The connector passes the contract of all connectors."""

from collections.abc import Iterator

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.manus import FakeManus
from xo_cowork_core.sdk.testing import ConnectorSubject
from xo_cowork_core.sdk.testing.connector_contract import ConnectorContract


class TestManus(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[ConnectorSubject]:
        manus = FakeManus()
        with LoopbackNetwork(manus.hosts) as network:
            yield ConnectorSubject(
                "manus",
                manus,
                environment=network.environment,
                plugins="connector_manus",
                raw_token_environment=["MANUS_API_KEY"],
            )
