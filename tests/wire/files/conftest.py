"""A server without plugins: files need none."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        yield running
