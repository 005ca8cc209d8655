"""One live server for a module of wire tests."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PERMISSION_TIMEOUT": "20"}) as running:
        yield running


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "demo")
