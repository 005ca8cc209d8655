"""Servers that are signed in, or can be, at a fake XO service."""

from collections.abc import Iterator

import pytest

from tests.fakes.xo_service import FakeXoService
from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture(scope="module")
def service() -> Iterator[FakeXoService]:
    with FakeXoService() as running:
        yield running


@pytest.fixture(scope="module")
def server(service: FakeXoService) -> Iterator[LiveServer]:
    environment = {"XO_PLUGINS": "none", "CHAT_API_BASE_URL": service.url}
    with LiveServer(environment=environment) as running:
        yield running


@pytest.fixture(autouse=True)
def without_traces(service: FakeXoService, server: LiveServer) -> Iterator[None]:
    """Leave the server signed out and the service without faults."""
    yield
    service.faults.clear()
    assert server.client.post("/xo-auth/logout").status_code == 200
    service.requests.clear()
