"""A server for each test, which may kill it and break its files."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer() as running:
        yield running
