"""A server for each test: a report counts all sessions of the server."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        (running.projects / "spender").mkdir()
        yield running
