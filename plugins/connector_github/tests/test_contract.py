"""The connector passes the contract of all connectors."""

from collections.abc import Iterator

import pytest

from tests.fakes.github import FakeGitHub
from tests.fakes.github.server import ACCOUNT
from tests.fakes.loopback_network import LoopbackNetwork
from xo_cowork_core.sdk.testing import ConnectorSubject
from xo_cowork_core.sdk.testing.connector_contract import ConnectorContract

CLIENT_ID = "test-client"
CLIENT_SECRET = "client-secret-0123456789"


class TestGitHub(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectorSubject]:
        github = FakeGitHub(tmp_path_factory.mktemp("repositories"))
        github.add_client(CLIENT_ID, CLIENT_SECRET)
        with LoopbackNetwork(github.hosts) as network:
            yield ConnectorSubject(
                "github",
                github,
                environment={
                    **network.environment,
                    # without gh, wherever the tests run: that is tested with the real one
                    "PATH": "/nowhere",
                    "GITHUB_CLIENT_ID": CLIENT_ID,
                    "GITHUB_CLIENT_SECRET": CLIENT_SECRET,
                },
                plugins="connector_github",
                other_account={**ACCOUNT, "id": 1, "login": "other"},
                api_key="ghp_works0123456789abcdef",
                refused_key="ghp_revoked0123456789abc",
                raw_token_environment=["GH_TOKEN", "GITHUB_TOKEN"],
                git_hosts=["github.com"],
            )
