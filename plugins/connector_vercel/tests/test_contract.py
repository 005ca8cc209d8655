"""The connector passes the contract of all connectors."""

from collections.abc import Iterator

import pytest

from tests.fakes.loopback_network import LoopbackNetwork
from tests.fakes.vercel import FakeVercel
from xo_cowork_core.sdk.testing import ConnectorSubject
from xo_cowork_core.sdk.testing.connector_contract import ConnectorContract


class TestVercel(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[ConnectorSubject]:
        vercel = FakeVercel()
        with LoopbackNetwork(vercel.hosts) as network, network.client() as browser:
            vercel.use_browser(browser)
            yield ConnectorSubject(
                "vercel",
                vercel,
                environment=network.environment,
                plugins="connector_vercel",
                raw_token_environment=["VERCEL_TOKEN"],
            )
