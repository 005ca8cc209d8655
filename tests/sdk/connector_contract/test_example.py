"""The connector of the plugin authors' page passes the contract and is as short as promised."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import (
    ConnectorContract,
    ConnectorSubject,
    FakeOAuthServer,
    install_plugin,
)

MAX_LINES = 45


class TestAcme(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(
        cls, example: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[ConnectorSubject]:
        folder = install_plugin(tmp_path_factory.mktemp("acme"), "connector_acme", example)
        with FakeOAuthServer() as provider:
            yield ConnectorSubject(
                "acme",
                provider,
                environment={"ACME_URL": provider.url, "ACME_CLIENT_ID": "test-client"},
                python_path=[folder],
                plugins="connector_acme",
            )


def test_the_example_is_short(example: str) -> None:
    assert len(example.splitlines()) <= MAX_LINES
