"""The fake authorization server of a test, and the services of connectors in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.connectors.engine import ConnectorEngine, UserinfoConnector, code_method
from xo_cowork_core.sdk.connector import ApiKey, SignInMethod
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer


@pytest.fixture
def server() -> Iterator[FakeOAuthServer]:
    """A server that knows the client `test-client`, with tokens that last an hour."""
    with FakeOAuthServer() as running:
        yield running


def oauth_engine(
    folder: Path, server: FakeOAuthServer, *methods: SignInMethod, **options: object
) -> ConnectorEngine:
    """Services with a connector that has these methods, by default an authorization code."""
    connector = UserinfoConnector(server, methods or [code_method(server)])
    return ConnectorEngine(folder, connector, **options)


def key_engine(folder: Path, **options: object) -> ConnectorEngine:
    """Services with a connector that takes any API key, without a server."""
    return ConnectorEngine(folder, UserinfoConnector(None, [ApiKey()]), **options)
